"""The house rules of CONTRIBUTING: each kind of line has its room, and nothing leaves the house."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import lacking

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "otp_gate"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}

# Modules that hold no behaviour of their own, and whose tests therefore go by another name.
TESTED_AS = {
    "apps": "test_receivers",
    "bodies": "test_kept",
    "cycle": "test_session",
    "clients": "test_responses",
    "disown_page": "test_disown",
    "evaluation": "test_middleware",
    "exceptions": "test_store",
    "liveness": "test_channels",
    "outage": "test_delivery",
    "outcomes": "test_challenge",
    "replies": "test_challenge",
    "saved": "test_kept",
    "scripts": "test_challenge",
    "site_limits": "test_budgets",
    "standing": "test_ninja",
    "urls": "test_views",
    "visits": "test_views",
}

# Where a line may stand: what it looks like, and the rooms that it belongs to.
ROOMS = {
    "session keys": (
        r"\bsession\[|_session_cache|_get_session|_otp_gate_",
        {"session.py", "reading.py"},
    ),
    "OTP_GATE": (r"settings\.OTP_GATE|settings, \"OTP_GATE\"", {"conf.py"}),
    "Redis": (r"^\s*(from|import) (redis|django_redis)\b", {"store.py", "cluster.py"}),
    "key names": (r"(?<!cache_)key_prefix", {"store.py", "conf.py"}),
    "codes": (r"^\s*import pyotp|^from pyotp|salted_hmac\(", {"codes.py"}),
    "printing": (r"\bprint\(", {"delivery/console.py"}),
    "what people read": (r"<(p|div|h1|html|form)\b", set()),
}

REGISTRY = (
    r"--(extra-)?index-url|--find-links|--trusted-host|//[\w.-]*\b(pypi|pythonhosted|npmjs)\b"
)
MACHINE = r"(?<![\w.$}])/(home|root|work|Users)/\w"


@pytest.mark.parametrize("name", MODULES)
def test_no_module_is_longer_than_300_lines(name: str) -> None:
    """Past that it becomes a folder of the same name."""
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= 300


def rooms() -> set[str]:
    """Return the modules and folders of the package by name."""
    return {name.split("/")[0].removesuffix(".py") for name in MODULES} - {"__init__"}


@pytest.mark.parametrize("name", sorted(rooms()))
def test_each_module_has_its_tests(name: str) -> None:
    """A reader finds them by the module's own name."""
    assert (ROOT / "tests" / f"{TESTED_AS.get(name, f'test_{name}')}.py").exists()


def test_no_exception_is_made_for_a_module_that_is_gone() -> None:
    """The list above grows no moss."""
    assert set(TESTED_AS) <= rooms()


@pytest.mark.parametrize("kind", ROOMS)
def test_a_line_knows_its_room(kind: str) -> None:
    """Session keys, Redis, key names, pyotp, OTP_GATE: each is known to one module."""
    pattern, allowed = ROOMS[kind]
    found = {
        name
        for name, path in MODULES.items()
        if re.search(pattern, path.read_text("utf-8"), re.MULTILINE)
    }
    assert found - allowed == set()


@pytest.mark.parametrize("name", MODULES)
def test_public_things_say_what_they_are(name: str) -> None:
    """Each module has a docstring of its own, unless it is empty."""
    text = MODULES[name].read_text("utf-8")
    assert not text or ast.get_docstring(ast.parse(text))


def tracked() -> Iterator[tuple[str, str]]:
    """Give the name and text of every file that goes into the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        lacking("git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".mo"):
            yield name, path.read_text("utf-8")


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE], ids=["registry", "machine"])
def test_no_file_names_a_registry_or_a_machine(pattern: str) -> None:
    """Where packages come from, and where somebody's checkout lies, is that somebody's affair."""
    here = Path(__file__).name
    found = [
        name for name, text in tracked() if Path(name).name != here and re.search(pattern, text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "lock",
    sorted((ROOT / "requirements").rglob("*.txt")),
    ids=lambda p: p.relative_to(ROOT).as_posix(),
)
def test_every_locked_package_has_its_hashes(lock: Path) -> None:
    """Nothing is installed that is not the very file that was looked at."""
    text = lock.read_text("utf-8")
    packages = re.findall(r"^[\w.\[\]-]+==[^\\\n]*(\\?)$", text, re.MULTILINE)
    assert packages
    assert set(packages) == {"\\"}
    assert "--hash=sha256:" in text
    assert "://" not in text
