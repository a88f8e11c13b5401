"""`make bench`: measure, then write the tables, the chart and the JSON."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import doors, environments, logins, redis_clock, report, scenarios
from benchmarks.figures import Figures, load, save
from benchmarks.runner import BARE, Results, Worker, count, names, play
from benchmarks.targets import GATE
from tests import servers, topologies

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
        rounds = 2 if self.quick else 16
        machine |= {"day": time.strftime("%Y-%m-%d", time.gmtime()), "cpus": os.cpu_count()}
        machine |= {"load": f"{os.getloadavg()[0]:.1f}", "rounds": rounds}
        self.requests_and_codes(rounds)
        self.within(rounds)
        self.on_postgresql(1 if self.quick else 6)
        self.profile()
        self.clock()
        self.starts(1 if self.quick else 8)
        self.whole_logins(1 if self.quick else 2, 3 if self.quick else 15)
        numbers = (1_000, 10_000) if self.quick else (1_000, 100_000, 1_000_000)
        self.figures.growth = self.growth("one Redis", servers.redis_server, numbers, rounds)
        self.figures.growth_on_cluster = self.growth("a cluster", self.cluster, numbers, rounds)
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
            "redis": self.workers[0].special("redis_version"),
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

    @property
    def gate(self) -> Worker:
        return next(worker for worker in self.workers if worker.name == GATE)

    def within(self, rounds: int) -> None:
        say("taking the gate apart within one process")
        for _ in range(rounds):
            for scenario in scenarios.WITHIN:
                times = scenario.times // (5 if self.quick else 1)
                found = self.gate.ask(do="within", scenario=asdict(scenario), times=times)
                rows = self.figures.within.setdefault(scenario.name, {})
                for part, taken in found.items():
                    rows.setdefault(part, []).append(taken)

    def profile(self) -> None:
        say("profiling the gate")
        for scenario in scenarios.PROFILED:
            times = 20 if self.quick else 300
            shares = self.gate.ask(do="profile", scenario=asdict(scenario), times=times)
            self.figures.profiles[f"{scenario.group}, {scenario.what}"] = shares

    def clock(self) -> None:
        rounds, times = (2, 10) if self.quick else (40, 30)
        say(f"asking Redis's own clock, {rounds} rounds")
        self.figures.clock = redis_clock.measure(self.folder / "clock", rounds, times)

    def starts(self, rounds: int) -> None:
        say(f"starting each process {rounds} times")
        for name in names():
            logins.startup(name, self.sqlite(name), self.redis, "db")  # Compiles what it imports.
        for engine in ("db",) if self.quick else ("cache", "db"):
            rows = self.figures.startup.setdefault(engine, {})
            for number in range(rounds):
                for name in names():
                    # Beside each a bare one, as in `play`.
                    pair = dict.fromkeys([name, BARE] if number % 2 else [BARE, name])
                    found = {n: logins.startup(n, self.sqlite(n), self.redis, engine) for n in pair}
                    own = found[name]
                    its = {f"{BARE} {kind}": amount for kind, amount in found[BARE].items()}
                    rows.setdefault(name, []).append(own | its)
        for _ in range(rounds):
            one = logins.imports(GATE, self.sqlite(GATE), self.redis, "otp_gate")
            for module, ms in one.items():
                known = self.figures.imports.get(module, ms)
                self.figures.imports[module] = min(known, ms)

    def whole_logins(self, rounds: int, seconds: float) -> None:
        able = [w for w in self.workers if w.about["journey"] is not None]
        say("taking logins apart")
        for worker in able:
            worker.ask(do="journey")  # Compiles templates.
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

    @contextmanager
    def cluster(self) -> Iterator[str]:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with topologies.redis_cluster(folder) as cluster:
            yield ",".join(cluster.urls)

    def growth(
        self,
        what: str,
        start: Callable[[], AbstractContextManager[str]],
        numbers: tuple[int, ...],
        rounds: int,
    ) -> dict[str, Any]:
        """Ask the same of three of a kind, with few and with many pending challenges, in turn."""
        with ExitStack() as stack:
            workers = []
            found: dict[str, Any] = {"numbers": list(numbers)}
            for number in numbers:
                say(f"growing {what} to {number:,} pending challenges")
                redis = stack.enter_context(start())
                database = self.sqlite(f"{GATE}-{number}-{what.replace(' ', '-')}")
                filler = self.start(GATE, database, redis)
                filler.about = filler.answer()
                filled = filler.special("grow", number)
                filler.close()
                if filled["keys"] < number:
                    raise RuntimeError(f"only {filled['keys']} of {number} are there")
                if number == numbers[1]:
                    found["bytes_each"] = filled["bytes"] / number
                found["without_ttl"] = filled["without_ttl"]
                # Another one: whoever has counted a million keys has a memory full of holes.
                worker = self.start(GATE, database, redis)
                worker.about = worker.answer()
                workers.append(worker)
            found["rows"] = self.grown(list(zip(numbers, workers, strict=True)), rounds)
            found["own_clock"] = [worker.special("script_time") for worker in workers]
            for worker in workers:
                worker.close()
        return found

    def grown(self, pairs: list[tuple[int, Worker]], rounds: int) -> dict[str, list[list[float]]]:
        """Return the quiet times (µs) of each scenario at each number of pending challenges."""
        results: dict[int, Results] = {number: Results() for number, _ in pairs}
        for number, worker in pairs:
            count([worker], scenarios.GROWING, results[number])
        for turn in range(rounds):
            first = turn % len(pairs)
            for scenario in scenarios.GROWING:
                # In turn, as in `play`: whoever comes last in a round is slower, whatever it holds.
                for number, worker in pairs[first:] + pairs[:first]:
                    play([worker], [scenario], 1, 0.3 if self.quick else 1.0, results[number])
        return {
            scenario.what: [
                [batch["quiet"] for batch in results[number].batches[scenario.name][GATE]]
                for number, _ in pairs
            ]
            for scenario in scenarios.GROWING
        }


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
    save(figures, latest)
    say(f"written: {page}, {chart}, {latest}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every part once, in two minutes")
    parser.add_argument("--clock", action="store_true", help="Redis's own clock alone")
    parser.add_argument("--render", action="store_true", help="the tables again, of the last run")
    parser.add_argument("--doors", action="store_true", help="the requests and the start alone")
    options = parser.parse_args()
    if options.doors:
        return doors.main(options.quick)
    if options.render:
        return write(load(LATEST), quick=False)
    quick = options.quick
    if options.clock:
        figures = load(LATEST)
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            bench = Bench(quick, Path(folder), stack)
            bench.clock()
        figures.clock = bench.figures.clock
        return write(figures, quick)
    for name in names():
        environments.ensure(name)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(quick, Path(folder), stack)
        bench.run()
    return write(bench.figures, quick)


if __name__ == "__main__":
    main()
