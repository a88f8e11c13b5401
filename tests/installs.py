"""Packages installed from the locks, and projects that a person has put three lines into."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import ROOT, lacking

LOCKS = ROOT / "requirements"
OFFLINE = "No matching distribution found"
OPTIONS = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]


def run(*command: str, cwd: Path, path: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a command far from this checkout, and return what it printed."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "PYTHON"))}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def locked(lock: str, *packages: str) -> str:
    """Return what a lock says of some of its packages, to be given to pip."""
    text = (LOCKS / f"{lock}.txt").read_text("utf-8")
    blocks = re.findall(r"^\S+==.*\n(?:    --hash=.*\n)+", text, re.MULTILINE)
    wanted = [block for block in blocks if block.split("==")[0].split("[")[0] in packages]
    assert len(wanted) == len(packages), packages
    return "".join(wanted)


def pip(*arguments: object, path: str = "") -> None:
    """Run pip; skip the test where it reaches no package index."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    if re.search(OFFLINE, done.stderr):
        lacking("package index that has what is locked")
    assert done.returncode == 0, done.stderr


def insert(file: Path, after: str, line: str) -> None:
    """Add a line below another one, which `startproject` writes with either kind of quote."""
    text = file.read_text("utf-8")
    for quoted in (after, after.replace('"', "'")):
        text = text.replace(quoted, f"{quoted}\n    {line}")
    assert line in text
    file.write_text(text, "utf-8")
