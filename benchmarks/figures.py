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
    """The median of the ratios of all rounds, and the quartiles around it."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f}-{self.high:.2f})"


def spread(values: Sequence[float]) -> Ratio:
    if len(values) == 1:
        return Ratio(values[0], values[0], values[0])
    return Ratio(*statistics.quantiles(values, n=4, method="inclusive"))


def beside(name: str) -> str:
    """Return what a scenario is compared with: a bare Django turns nobody away."""
    return name.replace(s.TURNED_AWAY, s.PLAIN)


@dataclass
class Figures:
    results: Results = field(default_factory=Results)
    """On SQLite."""
    on_postgresql: Results = field(default_factory=Results)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
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

    def pairs(
        self, who: str, name: str, kind: str, results: Results | None
    ) -> list[tuple[float, float]]:
        batches = (results or self.results).batches
        own, bare = batches[name][who], batches[beside(name)][BARE]
        return [(mine[kind], its[kind]) for mine, its in zip(own, bare, strict=True)]

    def ratio(self, who: str, name: str, kind: str, results: Results | None = None) -> Ratio:
        """Compare with the bare Django of the same round."""
        return spread([mine / its for mine, its in self.pairs(who, name, kind, results)])

    def difference(self, who: str, name: str, kind: str) -> float:
        """Return the median difference (µs) to the bare Django of the same round."""
        return statistics.median(mine - its for mine, its in self.pairs(who, name, kind, None))

    def startup_over_bare(self, who: str, engine: str) -> tuple[float, int, float]:
        """Return milliseconds, modules and MiB that a start takes more than without."""
        own, bare = self.startup[engine][who], self.startup[engine][BARE]
        modules, kib = (
            statistics.median(m[kind] - b[kind] for m, b in zip(own, bare, strict=True))
            for kind in ("modules", "kib")
        )
        return self.quickest(who, engine) - self.quickest(BARE, engine), round(modules), kib / 1024

    def quickest(self, who: str, engine: str) -> float:
        """Return the CPU (ms) of the quickest start: others on the machine only make it slower."""
        return min(one["ms"] for one in self.startup[engine][who])

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
