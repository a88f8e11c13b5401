"""One environment for each contender or project, from a lock file of its own.

They do not go together, neither with each other nor with the tests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
WANTED = ("3.13", "3.12", "3.14")
"""All run in one Python; the newest of the peers asks for 3.12."""


@cache
def python() -> str:
    """Return the Python that all run in."""
    found = [sys.executable, *filter(None, (shutil.which(f"python{v}") for v in WANTED))]
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True)
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
        found += [
            f"{root}/versions/{name}/bin/python"
            for wanted in WANTED
            for name in listed.stdout.split()
            if name.startswith(f"{wanted}.")
        ]
    for path in found:
        if version_of(path) in WANTED:
            return path
    sys.exit("This needs Python 3.12 or newer: make PYTHON=/path/to/python3.13 ...")


def version_of(path: str) -> str:
    """Return "3.13"; nothing for a shim that does not start."""
    question = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    try:
        return subprocess.run([path, "-c", question], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def ensure(name: str, kind: str = "bench") -> Path:
    """Return the Python of an environment, made anew if its lock file has changed.

    Args:
        kind: the folder of its lock file in `requirements/`.
    """
    lock, folder = ROOT / "requirements" / kind / f"{name}.txt", FOLDER / kind / name
    own = folder / "bin" / "python"
    stamp = folder / ".installed"
    wanted = hashlib.sha256(lock.read_bytes() + python().encode()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return own
    print(f"Installing requirements/{kind}/{name}.txt ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    # The certificates of this machine, as pip takes them: its way out may have one of its own.
    environ = {"UV_SYSTEM_CERTS": "1", **os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    run([uv, "venv", "--quiet", "--python", python(), folder], environ)
    install = [uv, "pip", "install", "--quiet", "--python", own, "--require-hashes", "-r", lock]
    run(install, environ)
    stamp.write_text(wanted, "utf-8")
    return own


def run(command: list[str | Path], environ: dict[str, str]) -> None:
    subprocess.run(command, check=True, env=environ)
