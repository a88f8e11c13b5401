"""The suite on every pair of Python and Django that the project supports and this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import nox
import nox.command

# "lowest" is the oldest of each dependency that pyproject.toml promises to work with.
PAIRS = [
    ("3.11", "lowest"),
    ("3.11", "django52"),
    ("3.12", "django52"),
    ("3.13", "django52"),
    ("3.12", "django60"),
    ("3.13", "django60"),
    ("3.12", "django61"),
    ("3.13", "django61"),
    ("3.14", "django61"),
]

MAIN = "https://github.com/django/django/archive/refs/heads/main.tar.gz"
# Versions differ in what they do, not in what Hypothesis finds by trying longer.
QUICK = {"HYPOTHESIS_PROFILE": "smoke"}

nox.options.default_venv_backend = "uv|virtualenv"
# The certificates of this machine, as pip takes them: its way out may have one of its own.
os.environ.setdefault("UV_SYSTEM_CERTS", "1")
nox.options.error_on_missing_interpreters = True


def is_python(program: Path | str, version: str) -> bool:
    """Say whether a program really starts: pyenv's shims exist for versions not chosen, too."""
    question = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    try:
        answer = subprocess.run([program, "-c", question], capture_output=True, text=True)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def pyenv_prefixes(version: str) -> list[Path]:
    """Return where pyenv keeps its installations of a version, newest first."""
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True)
    names = [name for name in listed.stdout.split() if name.startswith(f"{version}.")]
    names.sort(key=lambda name: [int(part) for part in name.split(".") if part.isdecimal()])
    found = [
        subprocess.run([pyenv, "prefix", name], capture_output=True, text=True)
        for name in reversed(names)
    ]
    return [Path(answer.stdout.strip()) for answer in found if answer.returncode == 0]


def find(version: str) -> bool:
    """Say whether this machine has a Python, after making sure that PATH leads to it."""
    name = f"python{version}"
    on_path = shutil.which(name)
    if on_path and is_python(on_path, version):
        return True
    # The Python that runs nox may be known to PATH as python3 only.
    folders = [prefix / "bin" for prefix in pyenv_prefixes(version)]
    for folder in [Path(sys.executable).parent, *folders]:
        if is_python(folder / name, version):
            os.environ["PATH"] = os.pathsep.join([str(folder), os.environ["PATH"]])
            return True
    return False


VERSIONS = list(dict.fromkeys(python for python, _ in PAIRS))
FOUND = [version for version in VERSIONS if find(version)]
MISSING = [version for version in VERSIONS if version not in FOUND]
if MISSING:
    print(f"Not on this machine, so not tried: Python {', '.join(MISSING)}.", file=sys.stderr)


@nox.session
@nox.parametrize(
    ("python", "versions"),
    [nox.param(*pair, id="-".join(pair)) for pair in PAIRS if pair[0] in FOUND],
)
def tests(session: nox.Session, versions: str) -> None:
    """Run the suite on fakeredis; what stands after `--` goes to pytest."""
    install(session, "test", versions)
    session.run("python", "-m", "pytest", *session.posargs, env=QUICK)


@nox.session(python=FOUND[-1] if FOUND else None)
def newest(session: nox.Session) -> None:
    """Tell how the suite does on Django's main branch, or its newest pre-release; never fail."""
    install(session, "test")
    before = version_of_django(session)
    session.install("--upgrade", "--pre", MAIN if is_there(MAIN) else "django", silent=True)
    after = version_of_django(session)
    if after == before:
        session.log(f"Not told: main cannot be reached, and nothing is newer than Django {after}.")
        return
    try:
        # What it warns of is for its release to bring; here it is about what works.
        session.run("python", "-m", "pytest", "-W", "default", *session.posargs, env=QUICK)
    except nox.command.CommandFailed:
        session.warn(f"The suite fails on Django {after}: that is told, and not required.")
    else:
        session.log(f"The suite passes on Django {after}.")


def install(session: nox.Session, *locks: str) -> None:
    for name in locks:
        lock = f"requirements/{name}.txt"
        session.install("--require-hashes", "--only-binary", ":all:", "-r", lock, silent=True)


def is_there(url: str) -> bool:
    """Say whether something answers there; what does not is not waited for."""
    question = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(question, timeout=10).close()
    except OSError:
        return False
    return True


def version_of_django(session: nox.Session) -> str:
    found = session.run("python", "-c", "import django; print(django.__version__)", silent=True)
    return str(found).strip()
