"""Make .venv from a hashed lock file, then run a command in it. Standard library only.

    python3 scripts/dev.py test pytest -k story
    python3 scripts/dev.py demo manage.py check

The first word names the lock file in requirements/, installed where that is not done yet. The
rest is a program of .venv, or what its Python is to run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN, EXE = (VENV / "Scripts", ".exe") if os.name == "nt" else (VENV / "bin", "")
PYTHON = BIN / f"python{EXE}"
NEWER = ("python3.13", "python3.12", "python3.11", "python3.14")
# Meant for other installs than these.
UNWANTED = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME"}


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], **options)


def works(python: Path | str) -> bool:
    """Say whether this is a Python of 3.11 or newer that really starts: a shim may not."""
    question = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return run(python, "-c", question, capture_output=True).returncode == 0
    except OSError:
        return False


def move_to_newer_python() -> None:
    """Start again in the newest Python that the lock files were tried on."""
    for name in NEWER:
        found = shutil.which(name)
        if found and works(found):
            sys.exit(run(found, *sys.argv).returncode)
    sys.exit(
        f"Python 3.11 or newer is needed; this is {sys.version.split()[0]} ({sys.executable}), "
        f"and none of {', '.join(NEWER)} runs.\nName one: make PYTHON=/path/to/python3.12 ..."
    )


def pip(python: Path | str, *args: object) -> None:
    """Install from a lock file: nothing that is not hashed, and nothing that must be compiled."""
    options = ["--quiet", "--require-hashes", "--only-binary=:all:"]
    options += ["--disable-pip-version-check", "--root-user-action=ignore"]
    environ = {k: v for k, v in os.environ.items() if k not in UNWANTED}
    if run(python, "-m", "pip", "install", *options, *args, env=environ).returncode:
        sys.exit(f"pip could not install {args[-1]}; its own words are above.")


def make_venv() -> None:
    """Make .venv. Debian's python3 may come without ensurepip: its pip can fetch virtualenv."""
    shutil.rmtree(VENV, ignore_errors=True)
    if run(sys.executable, "-m", "venv", VENV, capture_output=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if run(sys.executable, "-m", "pip", "--version", capture_output=True).returncode:
        sys.exit(
            f"{sys.executable} has neither pip nor a venv module that works.\n"
            "On Debian and Ubuntu: apt install python3-venv"
        )
    tools = ROOT / ".venv-tools"
    shutil.rmtree(tools, ignore_errors=True)
    pip(sys.executable, "--target", tools, "-r", ROOT / "requirements" / "bootstrap.txt")
    path = os.pathsep.join(filter(None, [str(tools), os.environ.get("PYTHONPATH")]))
    made = run(
        sys.executable, "-m", "virtualenv", "-q", VENV, env={**os.environ, "PYTHONPATH": path}
    )
    shutil.rmtree(tools, ignore_errors=True)
    if made.returncode:
        sys.exit("virtualenv could not make .venv; its own words are above.")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def ensure(name: str) -> None:
    """Install a lock file once, and again only after it or the interpreter changes."""
    lock = ROOT / "requirements" / f"{name}.txt"
    if not lock.exists():
        known = ", ".join(sorted(path.stem for path in lock.parent.glob("*.txt")))
        sys.exit(f"There is no {lock.relative_to(ROOT)}. Known: {known}.")
    interpreter = f"{sys.version}\n{sys.base_prefix}\n{VENV}"
    made = VENV / ".made-by"
    if read(made) != interpreter or not works(PYTHON):
        make_venv()
        made.write_text(interpreter, encoding="utf-8")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".installed-{name}"
    if read(stamp) == wanted:
        return
    # Taken away first: an install that is cut off halfway must not look like the one before it.
    with contextlib.suppress(FileNotFoundError):
        stamp.unlink()
    print(f"Installing requirements/{name}.txt into .venv ...", file=sys.stderr, flush=True)
    pip(PYTHON, "-r", lock)
    stamp.write_text(wanted, encoding="utf-8")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep a second `make` from installing into the same .venv meanwhile."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (ROOT / ".venv.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if sys.version_info < (3, 11):  # noqa: UP036 - this is what the older one is told
        move_to_newer_python()
    name, *command = sys.argv[1:]
    with one_at_a_time():
        ensure(name)
    os.chdir(ROOT)
    program = BIN / (command[0] + EXE)
    command = [str(program), *command[1:]] if program.is_file() else [str(PYTHON), *command]
    if os.name == "nt":
        sys.exit(subprocess.run(command).returncode)
    # The command takes this process's place, so that Ctrl-C and signals reach it and nobody else.
    sys.stdout.flush()
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
