"""Every code block of the README and of the docs is run, by its language.

`docs/testing.md` is run by test_testing_page: its blocks are test suites. JavaScript is run in a
browser, by tests/e2e. A block that cannot be run says why, in a comment right above it.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import load_command_class
from django.template import engines
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser

from otp_gate import conf

pytestmark = [pytest.mark.once, pytest.mark.django_db]

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
RUN_HERE = [page for page in PAGES if page.name != "testing.md"]
MAKE = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*$")

SHELL = {
    ".",
    "cat",
    "pip",
    "django-admin",
    "cd",
    "git",
    "redis-cli",
    "npm",
    "pytest",
    "daphne",
    "uvicorn",
}
"""Other people's programs: that they are spelled right is all that is looked at."""


def run_python(example: Example) -> None:
    """Run it as a part of its page; what it sets must be settings that can be meant."""
    names = example.namespace
    if "__name__" not in names:
        # What a project has around the lines that are shown.
        given = {"path": path, "include": include, "urlpatterns": [], "websocket_urlpatterns": []}
        names.update(given, __name__="myproject.documented")
        sys.modules["myproject.documented"] = ModuleType("myproject.documented")
    code = compile(example.parsed, f"{example.path}:{example.line}", "exec")
    exec(code, names)  # noqa: S102
    vars(sys.modules["myproject.documented"]).update(names)
    for name in re.findall(r"^# (myproject/\w+)\.py$", example.parsed, re.MULTILINE):
        sys.modules[name.replace("/", ".")] = sys.modules["myproject.documented"]
    for item in names.get("MIDDLEWARE", ()):
        assert item is ... or import_string(item)
    for item in names.get("INSTALLED_APPS", ()):
        assert item is ... or import_module(item)
    if "OTP_GATE" in names:
        assert conf.read(names["OTP_GATE"])[1] == []
    for item in names["urlpatterns"]:
        assert item is ... or isinstance(item, URLPattern | URLResolver)


OPTIONAL = re.compile(r"\[([^\]]*)\]")


def optional(found: re.Match[str]) -> str:
    """Take "[--option VALUE]" as given, and "[--this | --that]" as left out."""
    return "" if "|" in found[1] else found[1]


def run_console(example: Example) -> None:
    """Look whether each command is there, and takes what it is given."""
    for line in example.parsed.splitlines():
        if not line.startswith("$ "):
            continue
        typed = OPTIONAL.sub(optional, line[2:]).replace("SECONDS", "60")
        words = shlex.split(typed, comments=True)
        if words[:2] == ["python", "manage.py"] and words[2] == "otp_gate":
            command: Any = load_command_class("otp_gate", "otp_gate")
            command.create_parser("manage.py", "otp_gate").parse_args(words[3:])
        elif words[:2] == ["python", "manage.py"] or words[0] == "./manage.py":
            assert words[2] in {"migrate", "runserver", "createsuperuser", "check", "test"}, line
        elif words[0] == "make":
            assert words[1] in MAKE, line
        elif words[0] in ("python", "python3"):
            assert words[1:3] in (["-m", "pip"], ["-m", "venv"], ["-m", "django"]), line
        else:
            assert words[0] in SHELL, line


def run_template(example: Example) -> None:
    """Compile it as a template of Django."""
    engines["django"].from_string(example.parsed)


def run_json(example: Example) -> None:
    json.loads(example.parsed)


def run_ini(example: Example) -> None:
    assert ConfigParser().read_string(example.parsed) is None


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


RUN: dict[str, Callable[[Example], None]] = {
    "python": run_python,
    "console": run_console,
    "html": run_template,
    "django": run_template,
    "json": run_json,
    "ini": run_ini,
}
KNOWN = {*RUN, "js", "text", "{toctree}", "{include}", "{settings}"}


def examples(page: Path) -> list[Example]:
    parsers = [CodeBlockParser(language, evaluator) for language, evaluator in RUN.items()]
    return list(Sybil(parsers=parsers, pattern="*.md", path=str(ROOT)).parse(page))


def reason(example: Example) -> str:
    """Return why a block is not run, as the comment above it says; "" if it is."""
    above = example.document.text[: example.region.start].rstrip()
    found = NOT_RUN.search(above)
    return found[1] if found else ""


@pytest.mark.parametrize("page", RUN_HERE, ids=name_of)
def test_each_block_is_right(page: Path) -> None:
    """Whoever copies it gets what the page says; a block may build on those above it."""
    for example in examples(page):
        if not reason(example):
            example.evaluate()


def test_nearly_all_blocks_are_run() -> None:
    """An excuse is an exception."""
    found = [example for page in RUN_HERE for example in examples(page)]
    excused = [f"{example.path}:{example.line}" for example in found if reason(example)]
    assert len(found) > 50
    assert len(excused) <= 3, excused


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_block_names_a_language_that_is_run(page: Path) -> None:
    """A block without one would never be looked at."""
    text = page.read_text("utf-8")
    opened = re.findall(
        r"^(?:```|~~~)(\S*)[^\n]*\n.*?^(?:```|~~~)$", text, re.MULTILINE | re.DOTALL
    )
    assert set(opened) <= KNOWN
