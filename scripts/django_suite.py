"""Run Django's own test suite with the gate in its middleware chains; see `make projects`.

The policy asks nobody for a code: every test of Django must then pass as it does without the gate,
but for those that `tests/django_suite/expected.py` names. Those are run again with a middleware
that only reads the session, and with none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.environments import FOLDER, ensure  # noqa: E402
from tests.django_suite.expected import (  # noqa: E402
    FROM_THE_MACHINE,
    LABELS,
    LEAST,
    from_reading,
)

VERSIONS = sorted(
    (path.stem for path in (ROOT / "requirements/django").glob("*.txt")),
    key=lambda version: [int(part) for part in version.split(".")],
)
COLUMNS = ("Django", "tests", "skipped", "failed", "of them from reading the session", "s")
PROCESSES = 2


class Found(NamedTuple):
    """What one run of the suite found."""

    ran: int
    skipped: int
    failed: frozenset[str]
    output: str = ""


class Result(NamedTuple):
    """What became of the suite of one version."""

    row: tuple[str, ...]
    faults: list[str]


def play(version: str) -> Result:
    """Run the suite of one version of Django, such as "5.2".

    Raises:
        RuntimeError: the tests cannot be fetched, or did not run to their end.
    """
    began = time.monotonic()
    tests = fetch(version)
    gate = run(version, tests, "gate", LABELS)
    named = sorted((gate.failed | from_reading(version)) & named_tests(version))
    reader = run(version, tests, "reader", named)
    nothing = run(version, tests, "nothing", named)
    faults = judge(version, gate, reader, nothing)
    faults += tracebacks(gate.output, gate.failed - named_tests(version))
    row = (
        version_in(lock_of(version)),
        f"{gate.ran:,}",
        str(gate.skipped),
        str(len(gate.failed)),
        str(len(gate.failed & reader.failed - nothing.failed)),
        f"{time.monotonic() - began:.0f}",
    )
    return Result(row, faults)


def judge(version: str, gate: Found, reader: Found, nothing: Found) -> list[str]:
    """Return what is wrong with a run, in words; nothing if all is as it should be.

    Args:
        reader: the tests that failed, or had to, with middleware that only reads the session.
        nothing: the same tests, with neither.
    """
    faults = []
    if gate.ran < LEAST:
        faults.append(f"only {gate.ran} tests ran; {LEAST} or more were expected")
    for name in sorted(gate.failed - named_tests(version)):
        faults.append(f"fails behind the gate: {name}")
    for name in sorted(from_reading(version)):
        if name not in gate.failed:
            faults.append(f"passes, and is listed as a failure: {name}")
        if name not in reader.failed:
            faults.append(f"passes with middleware that only reads the session: {name}")
        if name in nothing.failed:
            faults.append(f"fails with no middleware at all: {name}")
    for name in sorted(gate.failed.intersection(FROM_THE_MACHINE) - nothing.failed):
        faults.append(f"fails behind the gate, and not without it: {name}")
    return [f"Django {version}: {fault}" for fault in faults]


def tracebacks(output: str, names: Iterable[str]) -> list[str]:
    """Return what the runner printed of some failed tests."""
    blocks = output.split("=" * 70 + "\n")[1:]
    return [block for block in blocks if any(f"({name})" in block for name in names)]


def named_tests(version: str) -> set[str]:
    """Return the tests that may fail behind the gate."""
    return from_reading(version) | set(FROM_THE_MACHINE)


def run(version: str, tests: Path, behind: str, labels: Iterable[str]) -> Found:
    """Run some of the tests behind a middleware.

    Raises:
        RuntimeError: the runner broke off, or ran nothing.
    """
    labels = list(labels)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [ensure(version, "django"), "runtests.py", f"--parallel={PROCESSES}", "--noinput"]
        command += ["--settings=tests.django_suite.settings", *labels]
        done = subprocess.run(
            command,
            cwd=tests,
            env={
                **environment(),
                "BEHIND": behind,
                "RESULT": str(result),
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if not result.exists():
            raise RuntimeError(f"Django {version}, {behind}:\n{done.stdout[-3000:]}")
        found = json.loads(result.read_text("utf-8"))
    if not found["ran"]:
        raise RuntimeError(f"Django {version}, {behind}: no test ran.\n{done.stdout[-3000:]}")
    return Found(found["ran"], found["skipped"], frozenset(found["failed"]), done.stdout)


def environment() -> dict[str, str]:
    """Return the environment without what another Django or Python would be started by."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "PYTHON"))}


def fetch(version: str) -> Path:
    """Return the folder of the tests, from the source release that the lock file pins."""
    lock = lock_of(version)
    folder = FOLDER / "django-tests" / version_in(lock)
    tests = folder / "tests"
    if tests.exists():
        return tests
    print(f"Fetching the tests of Django {version_in(lock)} ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "lock.txt").write_text(lock, "utf-8")
        command: list[Any] = [ensure(version, "django"), "-m", "pip", "download", "--quiet"]
        command += ["--disable-pip-version-check", "--no-input", "--require-hashes", "--no-deps"]
        command += ["--no-binary", ":all:", "--no-build-isolation", "-r", "lock.txt"]
        done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True)
        archives = list(Path(place).glob("*.tar.gz"))
        if done.returncode or not archives:
            raise RuntimeError(f"The source of Django {version} was not fetched:\n{done.stderr}")
        with tarfile.open(archives[0]) as tar:
            tar.extractall(place, filter="data")
        # The tests alone: beside them, Django itself would be imported in place of the installed.
        folder.mkdir(parents=True)
        source = Path(place) / archives[0].name.removesuffix(".tar.gz") / "tests"
        shutil.move(source, folder / "part")
    (folder / "part").rename(tests)
    return tests


def lock_of(version: str) -> str:
    """Return what the lock file says of Django: its version and its hashes."""
    text = (ROOT / f"requirements/django/{version}.txt").read_text("utf-8")
    found = re.search(r"^django==.*\n(?:    --hash=.*\n)+", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"requirements/django/{version}.txt names no Django.")
    return found[0]


def version_in(lock: str) -> str:
    """Return "5.2.19"."""
    return lock.split("==")[1].split()[0]


def attempt(version: str) -> Result:
    try:
        return play(version)
    except Exception as error:
        return Result((version, *["?"] * 5), [str(error)])
