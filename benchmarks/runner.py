"""Workers on pipes, asked in turn: every contender in short batches within one run."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, ensure
from benchmarks.scenarios import BESIDE, Scenario

BARE = "bare"


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

    Each has a batch of the bare Django for itself, right before or right after its own: a machine
    changes its speed from one second to the next, and a round takes several.
    """
    bare = next((worker for worker in workers if worker.name == BARE), None)
    for number in range(rounds):
        for scenario in scenarios:
            able = [w for w in workers if w.name not in results.lacks.get(scenario.name, {})]
            # Each round begins with another one: whoever follows a slow one finds colder caches.
            turn = number % len(able) if able else 0
            beside = replace(scenario, what=BESIDE.get(scenario.what, scenario.what))
            times = max(4, round(scenario.times * share))
            for worker in able[turn:] + able[:turn]:
                batches = [(worker, scenario)]
                if bare is not None and bare is not worker and scenario.group != "code":
                    batches.insert(number % 2, (bare, beside))
                found = {w: w.ask(do="run", scenario=asdict(s), times=times) for w, s in batches}
                own = found.pop(worker)
                for its in found.values():
                    own |= {f"{BARE} {kind}": us for kind, us in its.items()}
                into = results.batches.setdefault(scenario.name, {})
                into.setdefault(worker.name, []).append(own)
