"""The house rules of CONTRIBUTING: each kind of line has its room, and nothing leaves the house."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.servers import lacking

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "otp_gate"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}

# Modules that hold no behaviour of their own, and whose tests therefore go by another name.
TESTED_AS = {
    "addresses": "test_urlconfs",
    "apps": "test_receivers",
    "bodies": "test_kept",
    "cycle": "test_session",
    "clients": "test_responses",
    "connections": "test_channels",
    "doors": "test_channels",
    "disown_page": "test_disown",
    "evaluation": "test_middleware",
    "exceptions": "test_store",
    "liveness": "test_channels",
    "next_page": "test_next",
    "outage": "test_delivery",
    "outcomes": "test_challenge",
    "redis_server": "test_doctor",
    "replies": "test_challenge",
    "saved": "test_kept",
    "saved_store": "test_kept",
    "scripts": "test_challenge",
    "site_limits": "test_budgets",
    "standing": "test_ninja",
    "templatetags": "test_page_files",
    "urls": "test_views",
    "visits": "test_views",
}

# Where a line may stand: what it looks like, and the rooms that it belongs to.
ROOMS = {
    "session keys": (
        r"\bsession\[|_otp_gate_",
        {"session.py", "reading.py"},
    ),
    "OTP_GATE": (r"settings\.OTP_GATE|settings, \"OTP_GATE\"", {"conf.py"}),
    "Redis": (
        r"^\s*(from|import) (redis|django_redis)\b",
        {"store.py", "cluster.py", "redis_bounds.py"},
    ),
    "key names": (r"(?<!cache_)key_prefix", {"realms.py", "conf.py"}),
    "codes": (r"^\s*import pyotp|^from pyotp|salted_hmac\(", {"codes.py"}),
    "printing": (r"\bprint\(", {"delivery/console.py"}),
    "what people read": (r"<(p|div|h1|html|form)\b", set()),
}

INTERNALS = "django_internals.py"

DOCUMENTED = frozenset({"_asdict", "_base_manager", "_default_manager", "_meta", "_replace"})
"""Names with an underscore that Python or Django documents."""

FOREIGN = {
    "headless/tokens.py": {"_pre_user"},  # django-allauth; `unknown_parts` looks for it.
    "inventory/frameworks.py": {"_schema"},  # strawberry; see test_inventory.
    "store.py": {"_pools"},  # django-redis; see test_store.
}
"""Private names of other packages, each in the only module that knows the package."""

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


def is_private(name: object) -> bool:
    """Return True for a name with one underscore in front, that nobody documents."""
    return (
        isinstance(name, str)
        and re.fullmatch(r"_[a-z]\w*", name) is not None
        and not name.startswith("_otp_gate_")  # What the gate itself puts there.
        and name not in DOCUMENTED
    )


@cache
def own_private_names() -> set[str]:
    """Return the private names that the package defines, in whichever class or module."""
    nodes = (node for path in MODULES.values() for node in ast.walk(parsed(path)))
    found = set()
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                found.add(name)
    return {name for name in found if is_private(name)}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def foreign_private_names(path: Path, own: set[str]) -> set[str]:
    """Return the private names in a module that do not belong to the package's own objects.

    Also as a string, which `getattr`, `hasattr` or `__dict__` may be given.
    """
    found = set()
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in own:
                continue
            case ast.Attribute(attr=name) | ast.Constant(value=name):
                found.add(name)
            case ast.ImportFrom(names=aliases):
                found.update(alias.name for alias in aliases if alias.name not in own)
    return {name for name in found if is_private(name)}


@pytest.mark.parametrize("name", sorted(set(MODULES) - {INTERNALS}))
def test_private_names_of_others_are_in_one_module(name: str) -> None:
    """There, a test fails for each name that Django changes."""
    found = foreign_private_names(MODULES[name], own_private_names())
    assert found == FOREIGN.get(name, set())


def test_a_private_name_is_found_in_every_disguise(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "from django.core import _a\nrequest._b = 1\ngetattr(request, '_c')\nself._d\nself._e\n"
        "'_otp_gate_x', '__d__', '_ a', user._meta\n"
    )
    assert foreign_private_names(path, {"_e"}) == {"_a", "_b", "_c", "_d"}


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
