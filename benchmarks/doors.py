"""`make bench ARGS=--doors`: what the gate costs each request and a start, in a few minutes.

All in one process and in turn, so that also a busy machine tells a hundredth. Every number of
`docs/performance.md` below its mark is written by this.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import environments, logins, report
from benchmarks import scenarios as s
from benchmarks.figures import Ratio, spread
from benchmarks.runner import BARE, Worker
from benchmarks.targets import GATE, PEER
from benchmarks.within import EMPTY, FLOOR, WITH, WITHOUT
from tests import servers

PAGE = environments.ROOT / "docs" / "performance.md"
LATEST = environments.ROOT / "benchmarks" / "results" / "doors.json"
START = "<!-- Written by `make bench ARGS=--doors`, down to the end of the page. -->\n"

TARGETS = {
    s.Scenario("wsgi", s.READS_USER, "cache", 150): 1.01,
    s.Scenario("wsgi", s.READS_USER, "db", 150): 1.01,
    s.Scenario("wsgi", s.READS_USER, "cached_db", 150): 1.01,
    s.Scenario("wsgi", s.ANONYMOUS, "cache", 400): 1.015,
    s.Scenario("wsgi", s.TURNED_AWAY, "cache", 150): 1.9,
    s.Scenario("wsgi", s.TURNED_AWAY, "db", 150): 3.5,
}
"""The CPU of a request, as a multiple of that of a bare Django."""

DOORS_TARGET = 1.0
"""Both doors alone, in µs."""


def measure(rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {"rounds": rounds, "within": {}, "calls": {}, "starts": []}
    found["day"] = time.strftime("%Y-%m-%d", time.gmtime())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        redis = stack.enter_context(servers.redis_server())

        def database(name: str) -> str:
            return f"sqlite:{folder}/{name}.sqlite3"

        worker = Worker(GATE, database(GATE), redis, Path(folder) / "log")
        stack.callback(worker.close)
        found["about"] = worker.answer()
        doors = asdict(s.Scenario("code", s.DOORS))
        found["doors"] = []
        for _ in range(rounds):
            for scenario in TARGETS:
                one = worker.ask(do="within", scenario=asdict(scenario), times=scenario.times)
                rows = found["within"].setdefault(scenario.name, {})
                for part, taken in one.items():
                    rows.setdefault(part, []).append(taken["cpu"])
            walls = worker.ask(do="run", scenario=doors, times=20)["walls"]
            found["doors"].append(min(walls) / 100)
        for scenario in TARGETS:
            found["calls"][scenario.name] = worker.ask(
                do="calls", scenario=asdict(scenario), times=100
            )
        names = (BARE, GATE, PEER)
        for name in names:
            logins.startup(name, database(name), redis, "db")  # Compiles what it imports.
        for number in range(2 * rounds):
            turn = number % len(names)
            order = names[turn:] + names[:turn]
            found["starts"].append(
                {n: logins.startup(n, database(n), redis, "db")["ms"] for n in order}
            )
    return found


def over(rows: dict[str, list[float]], part: str) -> Ratio:
    return spread([own / bare for own, bare in zip(rows[part], rows[WITHOUT], strict=True)])


def verdict(middle: float, limit: float, low: float) -> str:
    return "yes" if middle <= limit else "within the noise" if low <= limit else "no"


def markdown(found: dict[str, Any]) -> str:
    rows = []
    for scenario, limit in TARGETS.items():
        its = found["within"][scenario.name]
        empty, floor, gate = (over(its, part) for part in (EMPTY, FLOOR, WITH))
        bare = spread(its[WITHOUT]).middle
        more = (gate.middle - 1) * bare
        rows.append(
            [
                f"{scenario.what}, {scenario.engine} sessions",
                f"{bare:.0f} µs",
                f"{empty.middle:.3f}",
                f"{floor.middle:.3f}",
                gate.told(".3f"),
                f"{more:+.1f} µs",
                f"{found['calls'][scenario.name]['own']:.0f}",
                f"≤ {limit}",
                verdict(gate.middle, limit, gate.low),
            ]
        )
    head = ["", "bare", "empty middleware", "floor", "gate", "gate adds", "own calls"]
    text = report.table([*head, "target", "met"], rows)
    doors = spread(found["doors"])
    starts = {
        name: spread([row[name] - row[BARE] for row in found["starts"]]) for name in (GATE, PEER)
    }
    about = found["about"]
    return (
        f"{START}\nMeasured on {found['day']} with Python {about['python']}, Django "
        f"{about['django']}, {found['rounds']} rounds: CPU of a request, lower quartile of each "
        f"round, as a multiple of a bare Django in the same process; median (quartiles).\n\n"
        f"{text}\n*Floor* is a middleware that only reads the session and looks for the mark, or "
        "redirects to one fixed address. *Own calls* are the calls of functions of the package in "
        "one request.\n\n"
        f"Both doors alone, of a verified session that has been read: {doors.told('.2f')} µs in a "
        f"tight loop (target ≤ {DOORS_TARGET:g}: "
        f"{verdict(doors.middle, DOORS_TARGET, doors.low)}).\n\n"
        f"Start-up over bare, until the first answer, CPU: {starts[GATE].told('.1f')} ms; "
        f"django-otp {starts[PEER].told('.1f')} ms in the same run (target: below django-otp: "
        f"{verdict(starts[GATE].middle, starts[PEER].middle, starts[GATE].low)}).\n\n"
        f"Where the time of the gate goes, by a profile (share of its own functions; calls per "
        f"request):\n\n{profiles(found)}"
    )


def profiles(found: dict[str, Any]) -> str:
    rows = []
    for scenario in TARGETS:
        if scenario.engine == "cache":
            top = found["calls"][scenario.name]["top"]
            words = ", ".join(f"`{name}` {share:.0%}" for name, share in top)
            rows.append([scenario.what, words])
    return report.table(["", "functions of the package"], rows)


def write(found: dict[str, Any]) -> None:
    words = PAGE.read_text("utf-8").partition(START)[0]
    PAGE.write_text(words + markdown(found), "utf-8")
    LATEST.write_text(json.dumps(found, separators=(",", ":")) + "\n", "utf-8")


def main(quick: bool) -> None:
    for name in (BARE, GATE, PEER):
        environments.ensure(name)
    found = measure(2 if quick else 12)
    print(markdown(found))
    if not quick:
        write(found)
