"""`make bench`: measure, and write the tables, the chart and the JSON. `--quick` proves it works."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import environments, logins, report, scenarios
from benchmarks.figures import Figures
from benchmarks.runner import BARE, Results, Worker, count, names, play
from tests import servers

ROOT = environments.ROOT
PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "images" / "bench.svg"
LATEST = ROOT / "benchmarks" / "results" / "latest.json"


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", file=sys.stderr, flush=True)


STARTED = time.monotonic()


class Bench:
    def __init__(self, quick: bool, folder: Path, stack: ExitStack) -> None:
        self.quick, self.folder, self.stack = quick, folder, stack
        self.figures = Figures()
        self.redis = stack.enter_context(servers.redis_server())

    def start(self, name: str, database: str, redis: str) -> Worker:
        worker = Worker(name, database, redis, self.folder / f"{name}.log")
        self.stack.callback(worker.close)
        return worker

    def on(self, databases: dict[str, str]) -> list[Worker]:
        """Start all contenders, each with a database of its own."""
        workers = [self.start(name, url, self.redis) for name, url in databases.items()]
        for worker in workers:
            worker.about = worker.answer()
        return workers

    def run(self) -> None:
        machine = self.figures.machine
        rounds = 3 if self.quick else 15
        machine |= {"day": time.strftime("%Y-%m-%d", time.gmtime()), "cpus": os.cpu_count()}
        machine |= {"load": f"{os.getloadavg()[0]:.1f}", "rounds": rounds}
        self.requests_and_codes(rounds)
        self.on_postgresql(2 if self.quick else 8)
        self.profile()
        self.starts(1 if self.quick else 7)
        self.whole_logins(1 if self.quick else 2, 3 if self.quick else 15)
        self.growth((1_000, 10_000) if self.quick else (1_000, 100_000, 1_000_000), rounds)
        machine["load_after"] = f"{os.getloadavg()[0]:.1f}"
        machine["seconds"] = round(time.monotonic() - STARTED)

    def sqlite(self, name: str) -> str:
        return f"sqlite:{self.folder}/{name}.sqlite3"

    def requests_and_codes(self, rounds: int) -> None:
        say("starting every contender on SQLite")
        self.workers = self.on({name: self.sqlite(name) for name in names()})
        self.figures.about = {worker.name: worker.about for worker in self.workers}
        self.figures.machine |= {
            "python": self.workers[0].about["python"],
            "django": self.workers[0].about["django"],
            "redis": self.workers[0].extra("redis_version") or "?",
        }
        say("counting what each does to others")
        count(self.workers, scenarios.EVERYTHING, self.figures.results)
        say(f"timing, {rounds} rounds")
        share = 0.2 if self.quick else 1.0
        play(self.workers, scenarios.EVERYTHING, rounds, share, self.figures.results)

    def on_postgresql(self, rounds: int) -> None:
        say(f"the same on PostgreSQL, {rounds} rounds")
        with ExitStack() as databases:
            # The databases are dropped with whoever is still connected to them.
            urls = {name: databases.enter_context(servers.postgres_database()) for name in names()}
            workers = self.on(urls)
            found = self.figures.on_postgresql
            count(workers, scenarios.ON_POSTGRESQL, found)
            play(workers, scenarios.ON_POSTGRESQL, rounds, 0.2 if self.quick else 1.0, found)
            for worker in workers:
                worker.close()

    def profile(self) -> None:
        say("profiling the gate")
        [gate] = [worker for worker in self.workers if worker.name == report.targets.GATE]
        for scenario in scenarios.PROFILED:
            times = 20 if self.quick else 300
            shares = gate.ask(do="profile", scenario=asdict(scenario), times=times)
            self.figures.profiles[f"{scenario.group}, {scenario.what}"] = shares

    def starts(self, rounds: int) -> None:
        say(f"starting each process {rounds} times")
        for engine in ("cache", "db"):
            rows = self.figures.startup.setdefault(engine, {})
            for name in names():
                logins.startup(name, self.sqlite(name), self.redis, engine)  # Compiles.
            for _ in range(rounds):
                for name in names():
                    one = logins.startup(name, self.sqlite(name), self.redis, engine)
                    rows.setdefault(name, []).append(one)

    def whole_logins(self, rounds: int, seconds: float) -> None:
        able = [w for w in self.workers if w.about["journey"] is not None]
        say("taking logins apart")
        for _ in range(2 if self.quick else 8):
            for worker in able:
                self.figures.journeys.setdefault(worker.name, []).append(worker.ask(do="journey"))
        for _ in range(rounds):
            for worker in able:
                say(f"logging in over HTTP for {seconds} s: {worker.about['title']}")
                with servers.postgres_database() as database:
                    found = logins.measure(
                        worker.name, worker.about["journey"], database, self.redis, seconds
                    )
                self.figures.logins.setdefault(worker.name, []).append(found)

    def growth(self, numbers: tuple[int, ...], rounds: int) -> None:
        """Ask the same of three Redis, with few and with many pending challenges, in turn."""
        results: dict[int, Results] = {number: Results() for number in numbers}
        workers: list[Worker] = []
        found: dict[str, Any] = {"numbers": list(numbers)}
        for number in numbers:
            say(f"growing to {number:,} pending challenges")
            redis = self.stack.enter_context(servers.redis_server())
            name = report.targets.GATE
            worker = self.start(name, self.sqlite(f"{name}-{number}"), redis)
            worker.about = worker.answer()
            filled = worker.extra("grow", number)
            if filled["keys"] < number:
                raise RuntimeError(f"only {filled['keys']} of {number} are there")
            if number == numbers[1]:
                found["bytes_each"] = filled["bytes"] / number
            found["without_ttl"] = filled["without_ttl"]
            workers.append(worker)
        for number, worker in zip(numbers, workers, strict=True):
            count([worker], scenarios.GROWING, results[number])
        for _ in range(rounds):
            for scenario in scenarios.GROWING:
                for number, worker in zip(numbers, workers, strict=True):
                    play([worker], [scenario], 1, 0.3 if self.quick else 1.0, results[number])
        found["rows"] = {
            scenario.what: [
                statistics.median(
                    batch["quiet"]
                    for batch in results[number].batches[scenario.name][report.targets.GATE]
                )
                for number in numbers
            ]
            for scenario in scenarios.GROWING
        }
        self.figures.growth = found


def write(figures: Figures, quick: bool) -> None:
    """Show the tables; the long form is kept, for the docs."""
    text = report.markdown(figures)
    print(text)
    folder = environments.FOLDER / "quick" if quick else None
    page, chart, latest = (
        (folder / PAGE.name, folder / CHART.name, folder / LATEST.name)
        if folder
        else (PAGE, CHART, LATEST)
    )
    for path in (page, chart, latest):
        path.parent.mkdir(parents=True, exist_ok=True)
    words = PAGE.read_text("utf-8").partition(report.START)[0]
    page.write_text(words + text, "utf-8")
    chart.write_text(report.svg(figures), "utf-8")
    latest.write_text(json.dumps(asdict(figures), indent=1, sort_keys=True) + "\n", "utf-8")
    say(f"written: {page}, {chart}, {latest}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every part once, in about a minute")
    quick = parser.parse_args().quick
    for name in names():
        environments.ensure(name)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(quick, Path(folder), stack)
        bench.run()
    write(bench.figures, quick)


if __name__ == "__main__":
    main()
