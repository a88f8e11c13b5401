"""Put the gate before other people's projects, and look what gets past it, and what it changes.

    make projects                            all of them, and Django's own test suite
    make projects ARGS="wagtail django-6.1"  some
    make projects ARGS=--newest              all projects, and the suite of the newest Django only

Each is played twice in an environment of its own, with the three lines and without them. A view
that runs for a half-authenticated session, or an answer to anybody else that differs, is a failure.
For the suite see django_suite.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.environments import ensure  # noqa: E402
from scripts import django_suite  # noqa: E402
from tests.projects.tenants.parts import MISSING  # noqa: E402

SHARED = {"user_sessions": "qsessions"}
"""Projects that run in the environment of another one."""
PROJECTS = sorted(
    [*(path.stem for path in (ROOT / "requirements/projects").glob("*.txt")), *SHARED]
)
SUITES = {f"django-{version}": version for version in django_suite.VERSIONS}
LONGEST = ("oscar", "wagtail")
"""Begun first: the others are done beside them."""
COLUMNS = (
    *("project", "versions", "URLs", "requests", "views run", "differences"),
    *("roads", "stories", "s"),
)


class PartMissing(Exception):
    """A project needs a server that this machine has not."""


@dataclass
class Result:
    """What became of one project."""

    row: tuple[str, ...]
    faults: list[str]


def environment(name: str) -> Path:
    """Return the Python of the environment that a project runs in."""
    return ensure(SHARED.get(name, name), "projects")


def crawl(name: str, folder: Path, *, gated: bool) -> Any:
    folder.mkdir()
    environ = {
        **os.environ,
        "GATED": str(int(gated)),
        "PROJECT_FOLDER": str(folder),
        "DJANGO_SETTINGS_MODULE": f"tests.projects.{name}.settings",
        "PYTHONHASHSEED": "0",  # Some write the items of a set as they come.
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
    }
    done = subprocess.run(
        [environment(name), "-m", "tests.projects.crawl", name],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
    if done.returncode == MISSING and os.environ.get("OTP_GATE_REQUIRE_REAL") != "1":
        raise PartMissing(f"NOT PROVED HERE: {name}: {done.stderr.strip()}")
    if done.returncode:
        raise RuntimeError(f"{name}, {'gated' if gated else 'bare'}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def play(name: str) -> Result:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        gate = crawl(name, Path(folder) / "gate", gated=True)
        bare = crawl(name, Path(folder) / "bare", gated=False)
    paths = gate["seen"].keys() | bare["seen"].keys()
    different = [path for path in sorted(paths) if gate["seen"].get(path) != bare["seen"].get(path)]
    faults = [f"{name}: ran half-authenticated: {line}" for line in gate["ran"]]
    faults += [f"{name}: no address found for {form}" for form in gate["missed"]]
    faults += [f"{name}: not the gate's answer: {line}" for line in gate["odd"]]
    faults += [f"{name}: does not hold: {line}" for line in gate["broken"]]
    faults += [f"{name}: differs: {path}\n{difference(gate, bare, path)}" for path in different]
    versions = ", ".join(f"{key} {value}" for key, value in gate["versions"].items())
    row = (
        name,
        versions,
        str(gate["urls"]),
        str(gate["requests"]),
        str(len(gate["ran"]) + len(gate["odd"])),
        str(len(different)),
        ", ".join(gate["roads"]),
        str(len(gate["stories"])),
        f"{time.monotonic() - began:.0f}",
    )
    return Result(row, faults)


def difference(gate: Any, bare: Any, path: str) -> str:
    one, other = gate["seen"].get(path, {}), bare["seen"].get(path, {})
    lines = []
    for key in sorted(one.keys() | other.keys()):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, str) and isinstance(theirs, str):
            pairs = zip(mine, theirs, strict=False)
            start = next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
            part = slice(max(0, start - 60), start + 90)
            mine, theirs = mine[part], theirs[part]
        if mine != theirs:
            lines.append(f"    {key}: gated {mine!r}\n    {' ' * len(key)}   bare {theirs!r}")
    return "\n".join(lines)


def attempt(name: str) -> Result:
    try:
        return play(name)
    except PartMissing as error:
        print(error)
        return Result((name, *["-"] * 8), [])
    except Exception as error:
        return Result((name, *["?"] * 8), [str(error)])


def chosen(arguments: list[str]) -> list[str]:
    """Return the names of what is to be run."""
    if arguments == ["--newest"]:
        return [*PROJECTS, [*SUITES][-1]]
    return arguments or [*PROJECTS, *SUITES]


def show(title: str, table: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    print(f"== {title}")
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip(), flush=True)


def main() -> int:
    names = chosen(sys.argv[1:])
    unknown = sorted(set(names) - set(PROJECTS) - set(SUITES))
    if unknown:
        known = ", ".join([*PROJECTS, *SUITES])
        print(f"No such project: {', '.join(unknown)}. There are: {known}.")
        return 2
    projects = [name for name in names if name in PROJECTS]
    projects.sort(key=lambda name: name not in LONGEST)
    for name in projects:
        environment(name)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, projects))
    if results:
        title = (
            "strangers' projects: what ran for who had only given the password, and what changed"
        )
        show(title, [COLUMNS, *(result.row for result in results)])
    faults = [fault for result in results for fault in result.faults]
    # Not beside the projects: each keeps both cores busy.
    suites = [django_suite.attempt(SUITES[name]) for name in names if name in SUITES]
    if suites:
        title = "Django's own tests, behind a gate that asks nobody"
        show(title, [django_suite.COLUMNS, *(suite.row for suite in suites)])
    faults += [fault for suite in suites for fault in suite.faults]
    for fault in faults[:40]:
        print(fault)
    if len(faults) > 40:
        print(f"... and {len(faults) - 40} more")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
