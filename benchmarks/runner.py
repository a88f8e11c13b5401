"""Workers on pipes, asked in turn: every contender in short batches within one run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, ensure
from benchmarks.scenarios import BESIDE, Scenario
from benchmarks.within import quiet

BARE = "bare"
TURN = 8
"""Requests of one contender before it is the other's turn."""


def names() -> list[str]:
    """Return the contenders, the bare Django first."""
    folder = Path(__file__).parent / "contenders"
    found = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    return sorted(found, key=lambda name: name != BARE)


def environment(name: str, database: str, redis: str, engine: str = "cache") -> dict[str, str]:
    own = {
        "BENCH_CONTENDER": name,
        "BENCH_DATABASE": database,
        "BENCH_REDIS": redis,
        "BENCH_ENGINE": engine,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "PYTHONHASHSEED": "0",
    }
    # A start that has to compile what it imports, each time, would be that of nobody's server.
    others = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**others, **own}


class Worker:
    """One contender, alive for the whole run."""

    def __init__(self, name: str, database: str, redis: str, log: Path) -> None:
        self.name = name
        self.lacks: dict[str, str] = {}
        self.log = log.open("ab")
        self.process = subprocess.Popen(
            [ensure(name), "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=environment(name, database, redis),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.about: dict[str, str] = {}

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            said = Path(self.log.name).read_text("utf-8")
            raise RuntimeError(f"{self.name} died: {said[-2000:]}")
        return json.loads(line)

    def ask(self, **question: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def special(self, name: str, *arguments: Any) -> Any:
        """Call a function of the contender; None if it has none of that name."""
        return self.ask(do="special", name=name, arguments=arguments).get("value")

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=20)
        self.log.close()


@dataclass
class Results:
    """What was found: per scenario and contender its counts, its batches, or why not."""

    counts: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    batches: dict[str, dict[str, list[dict[str, float]]]] = field(default_factory=dict)
    lacks: dict[str, dict[str, str]] = field(default_factory=dict)


def count(workers: list[Worker], scenarios: list[Scenario], results: Results) -> None:
    """Count what each scenario does to others; learn who cannot do it."""
    for scenario in scenarios:
        for worker in workers:
            found = worker.ask(do="count", scenario=asdict(scenario))
            if "lacks" in found:
                results.lacks.setdefault(scenario.name, {})[worker.name] = found["lacks"]
            else:
                results.counts.setdefault(scenario.name, {})[worker.name] = found


def play(
    workers: list[Worker], scenarios: list[Scenario], rounds: int, share: float, results: Results
) -> None:
    """Time each scenario, round by round, one contender right after the other.

    Each takes turns with the bare Django, a few requests at a time: a machine changes its speed
    from one moment to the next, and a round takes seconds.
    """
    bare = next((worker for worker in workers if worker.name == BARE), None)
    for number in range(rounds):
        for scenario in scenarios:
            able = [w for w in workers if w.name not in results.lacks.get(scenario.name, {})]
            # Each round begins with another one: whoever follows a slow one finds colder caches.
            turn = number % len(able) if able else 0
            times = max(4, round(scenario.times * share))
            for worker in able[turn:] + able[:turn]:
                beside = bare if bare is not worker and scenario.group != "code" else None
                into = results.batches.setdefault(scenario.name, {})
                into.setdefault(worker.name, []).append(batch(worker, scenario, times, beside))


def batch(
    worker: Worker, scenario: Scenario, times: int, beside: Worker | None
) -> dict[str, float]:
    """Return lower quartile and mean CPU (µs) of a contender, and of who takes turns with it."""
    if beside is None:
        return summary([worker.ask(do="run", scenario=asdict(scenario), times=times)])
    other = replace(scenario, what=BESIDE.get(scenario.what, scenario.what))
    found: dict[Worker, list[Any]] = {worker: [], beside: []}
    pairs = [(worker, scenario), (beside, other)]
    for _ in range(max(1, times // TURN)):
        for who, what in pairs:
            found[who].append(who.ask(do="run", scenario=asdict(what), times=min(times, TURN)))
        pairs.reverse()
    its = {f"{BARE} {kind}": us for kind, us in summary(found[beside]).items()}
    return summary(found[worker]) | its


def summary(turns: list[dict[str, Any]]) -> dict[str, float]:
    walls = [wall for turn in turns for wall in turn["walls"]]
    cpu = statistics.fmean(turn["cpu"] for turn in turns)
    return {"quiet": round(quiet(walls), 2), "cpu": round(cpu, 2)}
