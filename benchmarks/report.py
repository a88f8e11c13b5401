"""The tables: Markdown, which is also what the terminal shows."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks import chart, redis_clock, targets
from benchmarks import scenarios as s
from benchmarks.figures import Figures
from benchmarks.runner import BARE, Results
from benchmarks.within import EMPTY, WITH, WITHOUT

DASH = "-"
OWN = (s.ALARM, s.EVALSHA, s.PYOTP, s.SCRIPT, s.DOORS)
"""What is asked of the gate alone."""
WIRE = (s.EVALSHA, s.ECHO, s.ISSUE_SCRIPT)
"""The script of an issue, from the floor upwards."""

START = "<!-- Written by `make bench`, down to the end of the page. -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def order(figures: Figures) -> list[str]:
    """Return the contenders: bare, ours, then the peers by name."""
    return sorted(figures.about, key=lambda who: (who != BARE, who != targets.GATE, who))


def title(figures: Figures, who: str) -> str:
    about = figures.about[who]
    return about["title"] if who == BARE else f"{about['title']} {about['version']}"


def requests(
    figures: Figures, columns: Sequence[tuple[str, s.Scenario]], kind: str, results: Results
) -> str:
    """Return ratios to a bare Django, with what is added to it in SQL, Redis trips, hops."""
    rows = []
    for who in order(figures):
        row = [title(figures, who)]
        for _, scenario in columns:
            if who not in results.batches.get(scenario.name, {}):
                row.append(DASH)
            elif who == BARE:
                row.append(f"{figures.quiet(who, scenario.name, results):.0f} µs")
            else:
                added = figures.added(who, scenario.name, results)
                counted = [added["sql"], added["redis"], added["saves"]]
                if scenario.group == "asgi":
                    counted.append(added["hops"])
                numbers = ",".join(f"{number:+d}" if number else "0" for number in counted)
                ratio = figures.ratio(who, scenario.name, kind, results)
                row.append(f"{ratio} [{numbers}]")
        rows.append(row)
    return table(["", *(name for name, _ in columns)], rows)


def within(figures: Figures) -> str:
    rows = []
    for scenario in s.WITHIN:
        name = scenario.name
        if scenario.group == "wsgi":
            ratio = figures.times(name, WITH, WITHOUT, kind="cpu").told(".3f")
            empty, gate = (figures.more(name, part, WITHOUT) for part in (EMPTY, WITH))
            row = [f"{scenario.what}, {scenario.engine} sessions"]
            row += [f"{figures.part(name, WITHOUT):.0f} µs"]
            row += [f"{more.told('+.1f')} µs" for more in (empty, gate)]
            rows.append([*row, ratio])
    head = ["", WITHOUT, EMPTY, WITH, "CPU, as a ratio"]
    return table(head, rows)


def issue(figures: Figures) -> str:
    """Return what an issue is made of, each part what it takes more than the one before."""
    name = s.Scenario("code", s.ISSUED).name
    evalsha, pyotp = (figures.part(name, part) for part in (s.EVALSHA, s.PYOTP))
    whole = figures.part(name, s.ISSUED)
    wire, script = (figures.more(name, a, b).middle for a, b in zip(WIRE[1:], WIRE, strict=False))
    rows = {
        "a script that does nothing (EVALSHA)": evalsha,
        "its arguments and its answer on the wire": wire,
        "what the script decides and writes down": script,
        "the code (pyotp)": pyotp,
        "digests, settings, the answer as a tuple": whole - evalsha - wire - script - pyotp,
        "the whole": whole,
    }
    return table(["", ""], ([words, f"{us:.0f} µs"] for words, us in rows.items()))


def wsgi(engine: str) -> list[tuple[str, s.Scenario]]:
    return [(what, s.Scenario("wsgi", what, engine)) for what in s.REQUESTS]


def codes(figures: Figures, results: Results) -> str:
    steps = (s.ISSUED, s.SENT, s.RIGHT, s.WRONG)
    rows = []
    for who in order(figures):
        if who == BARE:
            continue
        row = [title(figures, who)]
        for what in steps:
            name = s.Scenario("code", what).name
            if who not in results.batches.get(name, {}):
                row.append(DASH)
                continue
            found = results.counts[name][who]
            quiet = figures.quiet(who, name, results)
            row.append(f"{quiet:.0f} µs [{found['sql']},{found['redis']},{found['saves']}]")
        rows.append(row)
    return table(["", *steps], rows)


def startup(figures: Figures) -> str:
    rows = []
    for who in order(figures):
        row = [title(figures, who)]
        for engine in figures.startup:
            if who == BARE:
                found = figures.startup[engine][who]
                ms = statistics.median(one["ms"] for one in found)
                modules = round(statistics.median(one["modules"] for one in found))
                mib = statistics.median(one["kib"] for one in found) / 1024
                row.append(f"{ms:.0f} ms, {modules} modules, {mib:.1f} MiB")
            else:
                ms, modules, mib = figures.startup_over_bare(who, engine)
                row.append(f"{ms.told('+.0f')} ms, {modules:+d} modules, {mib:+.1f} MiB")
        rows.append(row)
    return table(["", *(f"{engine} sessions" for engine in figures.startup)], rows)


def imports(figures: Figures) -> str:
    slowest = sorted(figures.imports.items(), key=lambda item: -item[1])
    rest = slowest[8:]
    rows = [[module, f"{ms:.1f} ms"] for module, ms in slowest[:8]]
    rows.append([f"{len(rest)} others", f"{sum(ms for _, ms in rest):.1f} ms"])
    return table(["module", "by itself"], rows)


def profiles(figures: Figures) -> str:
    packages: list[str] = []
    for shares in figures.profiles.values():
        packages += [name for name in shares if name not in packages]
    rows = [
        [name, *(f"{shares.get(package, 0):.0%}" for package in packages)]
        for name, shares in figures.profiles.items()
    ]
    return table(["", *packages], rows)


def journeys(figures: Figures) -> str:
    rows = []
    for who in order(figures):
        if who not in figures.journeys:
            continue
        parts = figures.journey(who)
        whole = sum(parts.values())
        row = [title(figures, who)]
        row += [f"{ms:.1f} ms ({ms / whole:.1%})" for ms in parts.values()]
        if who in figures.logins:
            found = figures.logins[who]
            each = statistics.median(one["per_second"] for one in found)
            cpu = statistics.median(one["cpu_ms"] for one in found)
            row += [f"{each:.1f}", f"{cpu:.0f} ms"]
        else:
            row += [DASH, DASH]
        rows.append(row)
    head = ["", "password hasher", "rest of the login", "the code is sent", "the code is checked"]
    return table([*head, "logins in a second", "CPU of one"], rows)


def growth(found: dict[str, Any]) -> str:
    rows = [
        [what, *(f"{statistics.median(batches):.0f} µs" for batches in row)]
        for what, row in found["rows"].items()
    ]
    rows.append(
        ["a script, by Redis's own clock", *(f"{each:.1f} µs" for each in found["own_clock"])]
    )
    return table(["pending challenges", *(f"{number:,}" for number in found["numbers"])], rows)


def clock(found: dict[str, Any]) -> str:
    """Return what each script takes by Redis's own clock, in today's build and in the other."""
    old = redis_clock.OLD in found["rows"]
    rows = []
    for step, words in redis_clock.WORDS.items():
        row = [words, str(redis_clock.of_build(found, redis_clock.NEW, step))]
        row += [str(redis_clock.of_build(found, redis_clock.OLD, step)) if old else DASH]
        rows.append([*row, str(redis_clock.against(found, step) or DASH)])
    return table(["", "today", redis_clock.BEFORE, "today / before"], rows)


def clock_bytes(found: dict[str, Any]) -> str:
    rows = [
        [name, *(f"{sizes[kind]:.0f}" for kind in ("record", "shared", "server"))]
        for name, sizes in found["bytes"].items()
    ]
    head = ["build", "the user's record", "the key of the destination", "used_memory in all"]
    return table(head, rows)


def goals(figures: Figures) -> str:
    rows = [[t.what, t.wanted, t.measured, t.verdict, t.why] for t in targets.all_of(figures)]
    return table(["target", "wanted", "measured", "met", "if not, why"], rows)


def lacking(figures: Figures) -> str:
    """Name the dashes."""
    seen: dict[tuple[str, str], list[str]] = {}
    for name, row in figures.results.lacks.items():
        for who, why in row.items():
            if who != BARE and not any(floor in name for floor in OWN):
                seen.setdefault((title(figures, who), why), []).append(name)
    return "".join(f"- {who}: {why}\n" for who, why in sorted(seen))


def clock_parts(found: dict[str, Any]) -> str:
    rows = [
        [redis_clock.WORDS[step], *(f"{us:.1f}" for us in redis_clock.inside(found, step).values())]
        for step in redis_clock.LIMITS
        if step in redis_clock.STEPS
    ]
    return table(["µs", *redis_clock.inside(found, "look")], rows)


def issue_parts(found: dict[str, Any]) -> str:
    parts = redis_clock.parts(found).items()
    return table(["part x calls", "together"], ([name, f"{us:.0f} µs"] for name, us in parts))


def redis_clock_section(found: dict[str, Any]) -> str:
    commit = redis_clock.BEFORE
    before = f"The build of commit {commit} was measured in turn, on the same server."
    if redis_clock.OLD not in found["rows"]:
        before = f"No build before: the repository of that run does not hold commit {commit}."
    return (
        "## By Redis's own clock\n\n"
        f"Measured on {found['day']}, load {found['load']}, {found['rounds']} rounds of "
        f"{found['times']} logins. {before} `usec_per_call` of EVALSHA in `INFO commandstats`, as "
        "a multiple of a script that only returns 1, run before and after each batch: median "
        "(quartiles of the rounds).\n\n"
        + clock(found)
        + "\nBytes of a pending login, of 1,000 users who log in for the first time. The key of "
        "the destination is there for destinations that are not proven.\n\n"
        + clock_bytes(found)
        + "\nWhere the time of a script goes, by the same clock, median of the rounds; *Lua* is "
        "JSON, strings and the calls themselves:\n\n"
        + clock_parts(found)
        + "\nWhere the whole call of an issue goes, in a run of its own with a watch around each "
        "part (*issue* holds all but `Challenge.of`, *_digest* the digests of both):\n\n"
        + issue_parts(found)
    )


def sections(figures: Figures) -> Iterator[str]:
    results, machine = figures.results, figures.machine
    yield (
        f"Measured on {machine['day']} with Python {machine['python']}, "
        f"Django {machine['django']}, redis-server {machine['redis']}, {machine['cpus']} CPUs, "
        f"load {machine['load']} before and {machine['load_after']} after, "
        f"{machine['rounds']} rounds, in {machine['seconds']} s.\n"
    )
    yield (
        "## Targets\n\nJudged by what was measured here. *There* is the machine that the targets "
        f"in microseconds come from: a bare request took {targets.PACE:.0f} µs on it, "
        f"{targets.pace(figures):.2f} times what it took here.\n\n" + goals(figures)
    )
    yield (
        "## A request, cache sessions\n\nLower quartile of the wall time, as a ratio to that of a "
        "bare Django right beside: median (quartiles of the rounds) [SQL, Redis trips, session "
        "saves added].\n\n" + requests(figures, wsgi("cache"), "quiet", results)
    )
    yield "The same in CPU time:\n\n" + requests(figures, wsgi("cache"), "cpu", results)
    yield "## A request, database sessions\n\n" + requests(figures, wsgi("db"), "quiet", results)
    yield (
        "## A request, cached_db sessions\n\n"
        + requests(figures, wsgi("cached_db"), "quiet", results)
    )
    columns = [(what, s.Scenario("asgi", what)) for what in s.REQUESTS]
    yield (
        "## A request under ASGI, cache sessions\n\nThe fourth number: thread hops added.\n\n"
        + requests(figures, columns, "quiet", results)
    )
    if figures.on_postgresql.batches:
        for engine in ("cache", "db"):
            yield (
                f"## A request on PostgreSQL, {engine} sessions\n\n"
                + requests(figures, wsgi(engine), "quiet", figures.on_postgresql)
            )
    yield (
        "## One code\n\nLower quartile [SQL, Redis trips, session saves]; with the save at the end "
        "of the request.\n\n" + codes(figures, results)
    )
    if figures.on_postgresql.batches:
        yield "On PostgreSQL:\n\n" + codes(figures, figures.on_postgresql)
    yield "A dash:\n\n" + lacking(figures)
    if figures.within:
        yield (
            "## The gate within one process\n\nThe same requests with the gate, without it and "
            "with an empty middleware in its place, one by one in turn, in one process: what it "
            "adds, as median (quartiles of the rounds).\n\n" + within(figures)
        )
        yield "One issue, part by part, in turn within one process:\n\n" + issue(figures)
    if figures.profiles:
        yield (
            "## Where the gate's time goes\n\nShares of the time under a profiler, which makes "
            "Python look slower beside what is written in C.\n\n" + profiles(figures)
        )
    if found := figures.clock:
        yield redis_clock_section(found)
    if figures.growth:
        yield "## With many pending\n\nIn one Redis:\n\n" + growth(figures.growth)
    if figures.growth_on_cluster:
        yield (
            "In a Redis Cluster of three primaries and three replicas, all on this machine:\n\n"
            + growth(figures.growth_on_cluster)
        )
    if figures.startup:
        yield (
            "## Start-up\n\nCPU of a process, until it has answered its first request; the "
            "contenders beyond the start of a bare Django beside each: median (quartiles).\n\n"
            + startup(figures)
        )
    if figures.imports:
        yield (
            "Where the start of the gate goes: most of it into the making of dataclasses, named "
            "tuples and one enumeration. Its pages are imported then, not at the first login, so "
            "that a server that forks its workers (`gunicorn --preload`) pays for them once.\n\n"
            + imports(figures)
        )
    if figures.journeys:
        yield (
            "## Whole logins\n\nCPU of each part of one login in one process; and over HTTP with "
            "4 gunicorn workers.\n\n" + journeys(figures)
        )


def markdown(figures: Figures) -> str:
    return START + "\n" + "\n".join(sections(figures))


def svg(figures: Figures) -> str:
    panels = []
    for words, scenario in (
        ("Verified, the view reads the user", s.Scenario("wsgi", s.READS_USER)),
        ("Verified, a plain view", s.Scenario("wsgi", s.PLAIN)),
        ("Turned away", s.Scenario("wsgi", s.TURNED_AWAY)),
    ):
        bars = [
            (
                figures.about[who]["title"],
                figures.ratio(who, scenario.name, "quiet").middle,
                who == targets.GATE,
            )
            for who in order(figures)
            if who != BARE and who in figures.results.batches.get(scenario.name, {})
        ]
        panels.append((words, sorted(bars, key=lambda bar: bar[1])))
    caption = "Time of a request, as a multiple of Django alone (dashed line); less is better"
    return chart.draw(panels, caption)
