"""What a run found, and what is worked out from it: ratios within a round, and their spread."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import scenarios as s
from benchmarks.runner import BARE, Results


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of what all rounds gave, mostly a ratio, and the quartiles around it."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return self.told(".2f")

    def told(self, form: str) -> str:
        return f"{self.middle:{form}} ({self.low:{form}} to {self.high:{form}})"


def spread(values: Sequence[float]) -> Ratio:
    if len(values) == 1:
        return Ratio(values[0], values[0], values[0])
    return Ratio(*statistics.quantiles(values, n=4, method="inclusive"))


def beside(name: str) -> str:
    """Return what a scenario is compared with."""
    for what, other in s.BESIDE.items():
        name = name.replace(what, other)
    return name


@dataclass
class Figures:
    results: Results = field(default_factory=Results)
    """On SQLite."""
    on_postgresql: Results = field(default_factory=Results)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    within: dict[str, dict[str, list[dict[str, float]]]] = field(default_factory=dict)
    """Scenario, part of it, one of each round; see `within`."""
    profiles: dict[str, dict[str, float]] = field(default_factory=dict)
    startup: dict[str, dict[str, list[dict[str, float]]]] = field(default_factory=dict)
    """Engine, contender, one of each start."""
    imports: dict[str, float] = field(default_factory=dict)
    """What each module of the gate takes by itself at a start (ms)."""
    journeys: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    logins: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    growth: dict[str, Any] = field(default_factory=dict)
    """On one Redis."""
    growth_on_cluster: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    clock: dict[str, Any] = field(default_factory=dict)
    """What `redis_clock.measure` found, and on which day."""

    def counts(self, who: str, name: str) -> dict[str, int]:
        return self.results.counts[name][who]

    def added(self, who: str, name: str, results: Results | None = None) -> dict[str, int]:
        """Return what a scenario does to others beyond a bare Django."""
        counts = (results or self.results).counts
        bare = counts.get(beside(name), {}).get(BARE, {})
        return {kind: number - bare.get(kind, 0) for kind, number in counts[name][who].items()}

    def quiet(self, who: str, name: str, results: Results | None = None) -> float:
        """Return the lower quartile (µs), as the median of the rounds has it."""
        batches = (results or self.results).batches[name][who]
        return statistics.median(batch["quiet"] for batch in batches)

    def ratio(self, who: str, name: str, kind: str, results: Results | None = None) -> Ratio:
        """Compare each batch with the one of the bare Django beside it."""
        batches = (results or self.results).batches[name][who]
        return spread([batch[kind] / batch[f"{BARE} {kind}"] for batch in batches])

    def part(self, group: str, part: str, kind: str = "quiet") -> float:
        """Return what a part of a scenario took (µs), as the median of the rounds has it."""
        return statistics.median(one[kind] for one in self.within[group][part])

    def more(self, group: str, part: str, than: str) -> Ratio:
        """Return how much longer a part takes than another in the same round (µs)."""
        rounds = zip(self.within[group][part], self.within[group][than], strict=True)
        return spread([own["quiet"] - other["quiet"] for own, other in rounds])

    def times(self, group: str, part: str, *floor: str, kind: str = "quiet") -> Ratio:
        """Return how many times as long a part takes as others together in the same round."""
        rounds = zip(*(self.within[group][name] for name in (part, *floor)), strict=True)
        return spread([own[kind] / sum(it[kind] for it in others) for own, *others in rounds])

    def startup_over_bare(self, who: str, engine: str) -> tuple[Ratio, int, float]:
        """Return milliseconds, modules and MiB that a start takes more than the one beside it."""
        ms, modules, kib = (
            spread([one[kind] - one[f"{BARE} {kind}"] for one in self.startup[engine][who]])
            for kind in ("ms", "modules", "kib")
        )
        return ms, round(modules.middle), kib.middle / 1024

    def journey(self, who: str) -> dict[str, float]:
        """Return the CPU (ms) of the parts of a login."""
        rows = self.journeys[who]
        return {part: statistics.median(row[part] for row in rows) for part in rows[0]}

    def gate_share(self, who: str) -> float:
        parts = self.journey(who)
        return (parts["send"] + parts["check"]) / sum(parts.values())


def save(figures: Figures, path: Path) -> None:
    """Keep all that was measured, for `load`."""
    path.write_text(json.dumps(asdict(figures), separators=(",", ":")) + "\n", "utf-8")


def load(path: Path) -> Figures:
    """Return what a run kept."""
    found = json.loads(path.read_text("utf-8"))
    for name in ("results", "on_postgresql"):
        found[name] = Results(**found[name])
    return Figures(**found)
