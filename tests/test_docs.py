"""The README keeps its word: its settings, its code and its links are those of the package."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from otp_gate import conf
from otp_gate.outcomes import Outcome
from otp_gate.state import GateState

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| `(.*?)` \|", README, re.MULTILINE))


def test_each_setting_is_in_the_table_with_its_default() -> None:
    """No key is missing, none is made up, and no default is out of date."""
    defaults = {
        item.name.upper(): item.metadata["default"]
        for item in fields(conf.GateConfig)
        if item.name != "failures"
    }
    documented = {key: ast.literal_eval(value) for key, value in ROWS.items()}
    limits = documented.pop("FAILURES")
    assert documented == defaults
    config, problems = conf.read({"FAILURES": limits})
    assert problems == []
    assert config is not None
    assert config.failures == conf.Failures()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0])
def test_the_code_is_python(block: str) -> None:
    """Whoever copies it gets no syntax error."""
    ast.parse(block)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0])
def test_what_is_imported_is_there(block: str) -> None:
    """Each name that the README imports from the package can be imported."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("otp_gate"):
            module = __import__(node.module or "", fromlist=["*"])
            for alias in node.names:
                assert hasattr(module, alias.name), alias.name


def test_every_dotted_name_leads_somewhere() -> None:
    """A path in the text that begins with otp_gate is a module, or something in one."""
    for path in set(re.findall(r"\b(otp_gate(?:\.\w+)+)", README)):
        if path == "otp_gate.devices":
            continue  # Planned, and said to be.
        module, _, name = path.rpartition(".")
        found = __import__(module, fromlist=[name])
        assert hasattr(found, name), path


def test_every_link_and_picture_is_in_the_repository() -> None:
    """Nobody who clicks finds nothing."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_every_command_is_in_the_makefile() -> None:
    """`make` knows what the README types."""
    known = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    wanted = set(re.findall(r"(?:\$ |`)make (\w+)", README))
    assert {"demo", "test"} <= wanted <= set(known)


def test_every_state_of_a_request_is_named() -> None:
    """And each attribute of `request.otp_gate` that is told of is there."""
    for name in ("status", "pending_user", "verified_at", "factor"):
        assert f".{name}`" in README
        assert name in {*dir(GateState), *inspect.signature(GateState).parameters}, name


def test_every_code_of_a_problem_is_named() -> None:
    """A program that follows the README meets no word that it does not know."""
    for word in (Outcome.INVALID, Outcome.EXPIRED, Outcome.SUPERSEDED, Outcome.LOCKED):
        assert f"`{word.value}`" in README
    for word in (Outcome.COOLDOWN, Outcome.UNDELIVERABLE):
        assert f"`{word.value}`" in README
