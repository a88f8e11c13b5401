"""The harness of Django's own suite: what makes `make projects` red, and where the gate stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers import base
from django.test import Client

from scripts import django_suite, projects
from scripts.django_suite import Found
from tests.django_suite import chains, expected
from tests.settings import MIDDLEWARE

pytestmark = pytest.mark.once

GATE = chains.MIDDLEWARE["gate"]
LISTED = frozenset(expected.from_reading("6.1"))
ROOT_ONLY = frozenset(expected.FROM_THE_MACHINE)
NEWEST = django_suite.VERSIONS[-1]


def found(*failed: str, ran: int = 6_000) -> Found:
    return Found(ran, 0, frozenset(failed))


def judge(gate: Found, reader: Found | None = None, nothing: Found | None = None) -> str:
    default = found(*LISTED, ran=2)
    return "\n".join(
        django_suite.judge("6.1", gate, reader or default, nothing or found(ran=len(LISTED)))
    )


def test_run_with_the_listed_failures_passes() -> None:
    """The two tests that any reader of the session fails, and those that root fails."""
    assert len(LISTED) == 2
    assert judge(found(*LISTED)) == ""
    as_root = found(*ROOT_ONLY)
    assert judge(found(*LISTED, *ROOT_ONLY), nothing=as_root) == ""


def test_new_failure_makes_the_run_red() -> None:
    assert "fails behind the gate: new.test" in judge(found(*LISTED, "new.test"))


def test_listed_failure_that_passes_makes_the_run_red() -> None:
    name, other = LISTED
    assert f"passes, and is listed as a failure: {name}" in judge(found(other))


def test_listed_failure_must_come_from_reading_the_session() -> None:
    """The control runs are the proof: with a middleware that only reads, and with none."""
    name, other = LISTED
    told = judge(found(*LISTED), reader=found(other))
    assert f"passes with middleware that only reads the session: {name}" in told
    assert f"fails with no middleware at all: {name}" in judge(found(*LISTED), nothing=found(name))


def test_failure_of_root_must_be_there_without_the_gate() -> None:
    name = next(iter(ROOT_ONLY))
    assert f"fails behind the gate, and not without it: {name}" in judge(found(*LISTED, name))


def test_run_of_too_few_tests_is_red() -> None:
    """A label that no longer exists, or a folder that was not fetched whole."""
    assert "only 100 tests ran" in judge(found(*LISTED, ran=100))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "import os, pathlib\n"
            'told = \'{"ran": 0, "skipped": 0, "failed": []}\'\n'
            "pathlib.Path(os.environ['RESULT']).write_text(told)",
            "no test ran",
        ),
        ("print('cannot import the settings')", "cannot import the settings"),
    ],
)
def test_runner_that_runs_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    """Broken off, or through without a test: no result is taken from it."""
    (tmp_path / "runtests.py").write_text(script)
    monkeypatch.setattr(django_suite, "ensure", lambda name, kind: sys.executable)
    with pytest.raises(RuntimeError, match=message):
        django_suite.run(NEWEST, tmp_path, "gate", ["auth_tests"])
    monkeypatch.setattr(django_suite, "fetch", lambda version: tmp_path)
    assert message in django_suite.attempt(NEWEST).faults[0]


def test_only_the_failed_tests_are_shown() -> None:
    line = "=" * 70
    output = f"...\n{line}\nFAIL: a (x.a)\nwhy\n{line}\nFAIL: b (x.b)\nbecause\n"
    assert django_suite.tracebacks(output, {"x.b"}) == ["FAIL: b (x.b)\nbecause\n"]


@pytest.fixture
def inserted(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """A project without the gate in MIDDLEWARE; the harness puts it there."""
    settings.MIDDLEWARE = [path for path in MIDDLEWARE if path != GATE]
    settings.OTP_GATE = {"POLICY": "tests.django_suite.chains.asks_nobody"}
    monkeypatch.setattr(base, "settings", base.settings)
    chains.insert(GATE)
    return settings


@pytest.mark.django_db
def test_gate_stands_in_each_chain_that_a_test_builds(inserted: Any, alice: Any) -> None:
    """Settings that a test overrides included; the settings themselves stay as they were."""
    client = Client()
    client.force_login(alice)
    assert client.get("/").wsgi_request.otp_gate.status == "not_required"
    inserted.MIDDLEWARE = inserted.MIDDLEWARE[:-1]
    client = Client()
    client.force_login(alice)
    assert client.get("/").wsgi_request.otp_gate.status == "not_required"
    assert GATE not in inserted.MIDDLEWARE


def test_gate_stands_where_readme_puts_it() -> None:
    """Below the authentication middleware; a chain that has none is left alone."""
    bare = [path for path in MIDDLEWARE if path != GATE]
    assert chains.with_middleware(bare, GATE) == MIDDLEWARE
    assert chains.with_middleware(bare[:2], GATE) == bare[:2]


def test_each_supported_django_has_its_run() -> None:
    """The versions of the matrix, each pinned to the release of its lock file."""
    root = Path(__file__).parent.parent / "requirements"
    matrix = sorted(path.stem.removeprefix("django") for path in root.glob("django[0-9]*.txt"))
    assert [version.replace(".", "") for version in django_suite.VERSIONS] == matrix
    for version in django_suite.VERSIONS:
        pinned = django_suite.version_in(django_suite.lock_of(version))
        lock = (root / f"django{version.replace('.', '')}.txt").read_text("utf-8")
        assert f"django=={pinned} " in lock


def test_newest_django_is_what_ci_runs() -> None:
    """`--newest`: all projects, and one suite; without it, each suite."""
    assert projects.chosen(["--newest"]) == [*projects.PROJECTS, f"django-{NEWEST}"]
    assert projects.chosen([]) == [*projects.PROJECTS, *projects.SUITES]
    assert projects.chosen(["django-5.2"]) == ["django-5.2"]
    ci = (Path(__file__).parent.parent / ".ci/run").read_text("utf-8")
    assert "make projects ARGS=--newest" in ci
