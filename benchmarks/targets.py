"""The targets: what was promised, what was measured, and whether that is met."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import redis_clock
from benchmarks import scenarios as s
from benchmarks.figures import Figures, Ratio, spread
from benchmarks.runner import BARE
from benchmarks.within import WITH, WITHOUT

GATE, PEER = "otp_gate", "django_otp"
PACE = 103.0
"""What a bare request for a view that looks at nothing took where the targets come from (µs)."""


WHY = {
    "verified, reads the user": "a few µs of some hundred: see performance.md",
    "by Redis's clock": "see where its time goes: a fifth is Redis's commands, the rest is Lua "
    "(JSON, strings, calls), on a busy machine with cold caches",
    "issue, the whole call": "the script takes most of that already; then five digests, JSON, the "
    "reply",
    "verified, plain view": "noise: the one session read is nearly all of it, see the counts",
    "the gate alone": "some ten calls of Python; most look whether anybody put another user",
    "anonymous": "both doors look whether anybody was logged in between; with cold caches, for a "
    "request touches much else, four times what they take by themselves: see performance.md",
    "turned away": "the view at the path, the kind of client, whether `next` is safe: see "
    "performance.md",
    "issue": "see its parts: the script keeps limits and budget, and names and codes are digested",
    "the script": "it reads the record, and writes four fields of it before it compares",
    "right code": "nearly all of it is the session store's: five trips to cycle the key and save, "
    "on a slow machine",
    "start-up": "its own modules, most of it the dataclass of the settings",
    "growth": "see what Redis's own clock says of the same scripts",
    "Redis per": "of which 119 are the record's, and the rest Redis's own book-keeping",
    "whole login": "with the session store, the template and the mail that those pages need",
}


@dataclass(frozen=True, slots=True)
class Target:
    what: str
    wanted: str
    measured: str
    verdict: str
    """"yes", "no", or "within the noise" where only the quieter rounds meet it."""

    @property
    def why(self) -> str:
        """Explain what is not met; the profile of the same run has the shares."""
        if self.verdict == "yes":
            return ""
        return next((words for start, words in WHY.items() if self.what.startswith(start)), "")


def target(what: str, wanted: str, measured: str, met: bool) -> Target:
    return Target(what, wanted, measured, "yes" if met else "no")


def pace(figures: Figures) -> float:
    """Return how fast the machine of the targets was beside this one."""
    idle = [s.Scenario("wsgi", what, e) for what in (s.PLAIN, s.ANONYMOUS) for e in s.ENGINES]
    return PACE / statistics.median(figures.quiet(BARE, scenario.name) for scenario in idle)


def in_time(figures: Figures, what: str, limit: float, us: float, form: str) -> Target:
    """Compare the microseconds of this machine; tell those of the one that the limit is from."""
    words = f"{us:{form}} µs ({us * pace(figures):{form}} there)"
    return target(what, f"≤ {limit:g} µs", words, us <= limit)


def within(limit: float, what: str, found: Ratio, unit: str) -> Target:
    """Compare the median alone."""
    return target(what, f"≤ {limit} {unit}", str(found), found.middle <= limit)


def at_most(limit: float, what: str, ratio: Ratio) -> Target:
    """Compare a ratio to bare, which noise moves up and down."""
    verdict = "yes" if ratio.middle <= limit else "no"
    if verdict == "no" and ratio.low <= limit:
        verdict = "within the noise"
    return Target(what, f"≤ {limit} times bare", str(ratio), verdict)


def all_of(figures: Figures) -> Iterator[Target]:
    yield from verified(figures)
    yield from others(figures)
    yield from codes(figures)
    yield from clocked(figures)
    yield from surroundings(figures)


def counted(figures: Figures, name: str, **wanted: int) -> tuple[str, bool]:
    """Say what a scenario did beyond a bare Django."""
    added = figures.added(GATE, name)
    words = ", ".join(f"{number} {kind}" for kind, number in added.items() if kind in wanted)
    return words, all(added[kind] == number for kind, number in wanted.items())


def verified(figures: Figures) -> Iterator[Target]:
    for engine in ("cache", "db", "cached_db"):
        name = s.Scenario("wsgi", s.READS_USER, engine).name
        words, met = counted(figures, name, sql=0, redis=0, saves=0)
        yield target(f"verified, reads the user, {engine}: added", "0, 0, 0", words, met)
        cpu = figures.times(name, WITH, WITHOUT, kind="cpu")
        yield at_most(1.01, f"verified, reads the user, {engine}: CPU", cpu)
    doors = figures.quiet(GATE, s.Scenario("code", s.DOORS).name) / 100
    yield in_time(figures, "the gate alone, both doors", 1, doors, ".2f")
    name = s.Scenario("wsgi", s.PLAIN).name
    words, met = counted(figures, name, sql=0, redis=1, saves=0)
    yield target("verified, plain view: added", "one session read", words, met)
    yield at_most(2.2, "verified, plain view", figures.ratio(GATE, name, "quiet"))


def others(figures: Figures) -> Iterator[Target]:
    name = s.Scenario("wsgi", s.ANONYMOUS).name
    words, met = counted(figures, name, sql=0, redis=0, saves=0)
    yield target("anonymous: added", "nothing", words, met)
    more = figures.more(name, WITH, WITHOUT)
    yield in_time(figures, "anonymous: more than without", 1, more.middle, ".1f")
    cpu = figures.times(name, WITH, WITHOUT, kind="cpu")
    yield at_most(1.015, "anonymous: CPU", cpu)
    for engine, redis, sql, limit in (("cache", 1, 0, 1.9), ("db", 0, 1, 3.5)):
        name = s.Scenario("wsgi", s.TURNED_AWAY, engine).name
        words, met = counted(figures, name, sql=sql, redis=redis, saves=0)
        yield target(f"turned away, {engine}: added", "one session read", words, met)
        yield at_most(limit, f"turned away, {engine}", figures.ratio(GATE, name, "quiet"))
    for what, limit in ((s.PLAIN, 1), (s.READS_USER, 0), (s.ANONYMOUS, 0)):
        name = s.Scenario("asgi", what).name
        words, met = counted(figures, name, hops=limit)
        yield target(f"ASGI, {what}: thread hops added", str(limit), words, met)


def codes(figures: Figures) -> Iterator[Target]:
    group = s.Scenario("code", s.ISSUED).name

    def done(what: str, **wanted: int) -> tuple[str, bool]:
        found = figures.counts(GATE, s.Scenario("code", what).name)
        words = ", ".join(f"{number} {kind}" for kind, number in found.items() if kind in wanted)
        return words, all(found[kind] == number for kind, number in wanted.items())

    words, met = done(s.ISSUED, sql=0, redis=1, saves=0)
    yield target("issue: SQL, trips, session saves", "0, 1, 0", words, met)
    issued = figures.part(group, s.ISSUED)
    yield in_time(figures, "issue", 150, issued, ".0f")
    times = figures.times(group, s.ISSUED, s.EVALSHA, s.PYOTP)
    yield within(1.3, "issue, beside EVALSHA + pyotp", times, "times")
    # One script; the others are the session store's own: to cycle the key, and the last save.
    words, met = done(s.RIGHT, sql=0, redis=6, saves=2)
    yield target("right code: SQL, trips, session saves", "0, 1 + 5, 2", words, met)
    right = figures.quiet(GATE, s.Scenario("code", s.RIGHT).name)
    yield in_time(figures, "right code", 700, right, ".0f")
    words, met = done(s.WRONG, sql=0, redis=1, saves=0)
    yield target("wrong code: SQL, trips, session saves", "0, 1, 0", words, met)
    times = figures.times(group, s.SCRIPT, s.EVALSHA)
    yield within(1.5, "the script of a wrong code, beside EVALSHA", times, "times")


def clocked(figures: Figures) -> Iterator[Target]:
    """Judge what Redis's own clock counted; see `redis_clock`."""
    found = figures.clock
    for step, limit in redis_clock.LIMITS.items() if found else ():
        words = redis_clock.WORDS[step]
        if step in redis_clock.STEPS:
            words = f"by Redis's clock: {words}"
        yield within(limit, words, redis_clock.of_build(found, redis_clock.NEW, step), "times")
        beside = redis_clock.against(found, step)
        if beside is not None and step in redis_clock.STEPS:
            before = f"{words}: beside {redis_clock.BEFORE}"
            yield within(redis_clock.AGAINST, before, beside, "times")


def surroundings(figures: Figures) -> Iterator[Target]:
    growth = figures.growth
    if growth:
        each = growth["bytes_each"]
        yield target("Redis per pending login", "≤ 256 bytes", f"{each:.0f} bytes", each <= 256)
        without = growth["without_ttl"]
        yield target("keys without a TTL", "0", str(without), without == 0)
    for place, growth in (("", figures.growth), ("on a cluster, ", figures.growth_on_cluster)):
        for what, row in growth.get("rows", {}).items():
            times = spread([many / few for few, *_, many in zip(*row, strict=True)])
            least, most = growth["numbers"][0], growth["numbers"][-1]
            label = f"growth: {place}{what}, with {most:,} pending beside {least:,}"
            yield within(1.1, label, times, "times")
    for engine in ("cache", "db"):
        if GATE in figures.startup.get(engine, {}):
            ms, modules, mib = figures.startup_over_bare(GATE, engine)
            yield within(5, f"start-up, {engine} sessions", ms, "ms over bare")
            peer = figures.startup_over_bare(PEER, engine)[0]
            words = f"{ms.middle:.1f} ms, django-otp {peer.middle:.1f} ms"
            below = ms.middle < peer.middle
            yield target(f"start-up, {engine} sessions, beside a peer", "below it", words, below)
            yield target(f"modules, {engine} sessions", "≤ 30", str(modules), modules <= 30)
            yield target(f"memory, {engine} sessions", "≤ 2 MiB", f"{mib:+.1f} MiB", mib <= 2)
    if GATE in figures.journeys:
        share = figures.gate_share(GATE)
        yield target(
            "whole login: share of the gate's pages in CPU", "< 5 %", f"{share:.1%}", share < 0.05
        )
