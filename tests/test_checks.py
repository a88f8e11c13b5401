"""System checks: a wrong project for each, and a right one for all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core import checks as django_checks
from django.core.cache import caches
from django.core.management import call_command
from django.test import override_settings

from tests import servers
from tests.browsers import redis_at, redis_commands
from tests.gates import put_around_gate

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "bad_projects"
BAD = sorted(path.stem for path in FOLDER.glob("[ew]*.py"))

AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
GATE = "otp_gate.middleware.OTPGateMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
REDIS = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:6379/0"}


class OwnAuthentication(AuthenticationMiddleware):
    """A project's subclass."""


def token_authentication(get_response: Any) -> Any:
    """A project's own authentication, as a function."""
    return get_response


class StrictRedisCache:
    """No cache of django-redis, whatever its name."""


def found(*, deploy: bool = False, **changed: Any) -> list[Any]:
    """Run the checks of the gate under changed settings."""
    apps = {key: changed.pop(key) for key in ("INSTALLED_APPS",) if key in changed}
    # Apps last: some look at the other settings as soon as they are installed.
    with override_settings(**changed), override_settings(**apps):
        everything = django_checks.run_checks(include_deployment_checks=deploy)
        # An older django-redis cannot close what it could not open.
        caches["default"].close = lambda **_: None  # type: ignore[method-assign]
    return [message for message in everything if message.id.startswith("otp_gate.")]


@pytest.fixture
def in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not within a test run: there, mail that is kept and a Redis in this process are right."""
    monkeypatch.delattr("django.core.mail.outbox")


def project(name: str) -> dict[str, Any]:
    """Return the settings of a project that are not the suite's own."""
    module = import_module(f"tests.bad_projects.{name}")
    given = {key: value for key, value in vars(module).items() if key.isupper()}
    return {key: value for key, value in given.items() if getattr(current, key, None) != value}


def identifiers() -> Iterator[str]:
    """Give every id that the code knows."""
    for path in (ROOT / "otp_gate" / "checks").glob("*.py"):
        yield from re.findall(r'= "otp_gate\.([EW]\d{3})"', path.read_text("utf-8"))


# A project for each


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_project_triggers_its_check_and_no_other(name: str, in_production: None) -> None:
    """The message says what is wrong, and its hint what to write instead."""
    messages = found(deploy=name.startswith("w014"), **project(name))
    assert [message.id for message in messages] == [f"otp_gate.{name[:4].upper()}"]
    [message] = messages
    kind = django_checks.Error if name.startswith("e") else django_checks.Warning
    assert type(message) is kind
    assert message.hint


def test_the_right_project_triggers_none(in_production: None) -> None:
    """Nor does the suite's own, which is told apart from production, with settings or without."""
    assert found(**project("right")) == []


def test_a_process_view_that_logs_nobody_in_is_no_fault(settings: Any) -> None:
    """Behind the gate there may stand what only looks at the user, as Django's own does."""
    after = ["NewPasswordAtView", "ShutsOutAtView", "LogsIn"]
    put_around_gate(
        settings,
        before=["tests.middlewares.LogsInAtView"],
        after=[
            *(f"tests.middlewares.{name}" for name in after),
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ],
    )
    assert found() == []


def test_a_test_run_is_no_production(settings: Any) -> None:
    """There, a Redis in this process and mail that is kept are as they should be."""
    assert found() == []
    assert found(OTP_GATE={"CODE_TTL": 600, "EXEMPT_PATHS": ["/public/", "/a"]}) == []
    call_command("check")


def test_each_check_has_its_wrong_project() -> None:
    """An id that nothing triggers is an id that nobody has seen work; none is given twice."""
    known = list(identifiers())
    assert len(known) == len(set(known))
    assert set(known) == {name[:4].upper() for name in BAD}


@pytest.mark.once
def test_each_check_is_in_the_documentation() -> None:
    """Whoever meets an id finds what it means; no id is made up."""
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert re.findall(r"^\| `otp_gate\.([EW]\d{3})` \| \S", text, re.MULTILINE) == sorted(
        identifiers()
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("right", 0, "System check identified no issues (0 silenced)."),
        ("e010_redis_in_this_process", 1, "(otp_gate.E010)"),
        ("e002_no_gate", 1, "(otp_gate.E002)"),
        ("w003_mail_locmem", 0, "(otp_gate.W003)"),
    ],
)
def test_manage_check_says_it(name: str, status: int, told: str) -> None:
    """As it is typed: an error ends with status 1, a warning is printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "check"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": f"tests.bad_projects.{name}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=servers.PATIENCE,
    )
    assert (done.returncode, told in done.stdout + done.stderr) == (status, True)


# What the messages say


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ({"CODE_TLL": 60}, "did you mean 'CODE_TTL'?"),
        ({"CODE_TTL": "60"}, "OTP_GATE['CODE_TTL']"),
        ([], "OTP_GATE must be a dict"),
        ({"POLICY": "tests.no_such.policy"}, "OTP_GATE['POLICY']: it cannot be imported"),
        ({"CODE_LENGTH": 4}, "it must be from 6 to 10"),
    ],
)
def test_a_wrong_setting(gate: Any, told: str) -> None:
    """E001 names key and reason, and all valid keys in its hint."""
    [message] = found(OTP_GATE=gate)
    assert message.id == "otp_gate.E001"
    assert told in message.msg
    assert "CODE_TTL, CODE_ATTEMPTS" in message.hint


@pytest.mark.parametrize(
    ("middleware", "after"),
    [
        ([SESSIONS, GATE, AUTH], AUTH),
        ([SESSIONS, GATE], AUTH),
        ([GATE], AUTH),
        ((SESSIONS, GATE, AUTH), AUTH),
        ([AUTH, GATE, SESSIONS], SESSIONS),
        ([GATE, SESSIONS, AUTH], SESSIONS),
    ],
)
def test_the_gate_stands_behind_sessions_and_authentication(middleware: Any, after: str) -> None:
    """E003: what the gate cannot see it cannot hold; the hint is the line to move."""
    [message] = found(MIDDLEWARE=middleware)
    assert message.id == "otp_gate.E003"
    assert message.hint == f"In MIDDLEWARE, move {GATE!r} below {after!r}."


@pytest.mark.parametrize(
    "middleware",
    [
        [SESSIONS, AUTH, GATE],
        (SESSIONS, AUTH, GATE),
        [SESSIONS, f"{__name__}.OwnAuthentication", GATE],
        [SESSIONS, f"{__name__}.token_authentication", GATE],
        [SESSIONS, AUTH, "django.contrib.auth.middleware.RemoteUserMiddleware", GATE],
        [SESSIONS, f"{__name__}.token_authentication", AUTH, GATE],
    ],
)
def test_any_authentication_before_the_gate_is_accepted(middleware: Any) -> None:
    """Django's, a subclass of it, or the project's own; a list or a tuple."""
    assert found(MIDDLEWARE=middleware) == []


def test_the_pages_are_missing() -> None:
    """E004, with the line to paste."""
    [message] = found(ROOT_URLCONF="tests.urlconfs.without_pages")
    assert message.id == "otp_gate.E004"
    assert 'include("otp_gate.urls")' in message.hint


@pytest.mark.parametrize(
    "caches",
    [
        {},
        {"other": REDIS},
        {"default": {"BACKEND": LOCMEM}},
        {"default": {"BACKEND": f"{__name__}.StrictRedisCache", "LOCATION": "x"}},
        {"default": {"BACKEND": f"{__name__}.token_authentication", "LOCATION": "x"}},
        {"default": {**REDIS, "LOCATION": ""}},
        {"default": {**REDIS, "LOCATION": []}},
        {"default": {"BACKEND": REDIS["BACKEND"]}},
    ],
)
def test_the_cache_is_no_redis(caches: Any) -> None:
    """E005: no alias of that name, another backend, or no server; the hint is the setting."""
    from otp_gate.checks.surroundings import check_cache

    with override_settings(CACHES=caches):
        [message] = check_cache(None)
    assert message.id == "otp_gate.E005"
    assert "django_redis.cache.RedisCache" in message.hint


def test_the_cache_of_the_gate_may_be_another_alias() -> None:
    """Only the alias that CACHE names is looked at."""
    local = {"BACKEND": LOCMEM}
    assert found(CACHES={"default": local, "codes": REDIS}, OTP_GATE={"CACHE": "codes"}) == []
    [message] = found(CACHES={"default": REDIS}, OTP_GATE={"CACHE": "codes"})
    assert (message.id, "'codes'" in message.msg) == ("otp_gate.E005", True)


def test_what_is_checked_is_not_connected_to(in_production: None) -> None:
    """An image is built, and checked, where no Redis runs."""
    from tests.browsers import redis_commands

    with redis_commands() as seen:
        assert found(**project("right")) == []
    assert seen == []


@pytest.mark.parametrize("path", ["/", "//", "///"])
def test_a_path_that_opens_the_whole_site(path: str) -> None:
    """E007: the root is no exemption."""
    [message] = found(OTP_GATE={"EXEMPT_PATHS": ["/public/", path]})
    assert message.id == "otp_gate.E007"
    assert repr(path) in message.msg


def test_where_an_exempt_root_comes_from() -> None:
    """Whoever wrote [MEDIA_URL] is told that this is the root."""
    [message] = found(MEDIA_URL="/", OTP_GATE={"EXEMPT_PATHS": ["/"]})
    assert "'/' (MEDIA_URL)" in message.msg


def test_each_exemption_of_the_admin_is_named() -> None:
    """E008 says which line to take out; what shows nothing may stay open."""
    gate = {"EXEMPT_VIEWS": ["admin:*", "open"], "EXEMPT_PATHS": ["/admin/auth/"]}
    assert [message.msg.split(" opens")[0] for message in found(OTP_GATE=gate)] == [
        "OTP_GATE: EXEMPT_VIEWS admin:*"
    ]
    [message] = found(OTP_GATE={"EXEMPT_PATHS": ["/admin/auth/"]})
    assert "EXEMPT_PATHS /admin/auth/ opens the admin" in message.msg
    assert found(OTP_GATE={"EXEMPT_VIEWS": ["admin:login", "admin:jsi18n"]}) == []


def test_a_delivery_that_cannot_be_made_is_told_once(in_production: None) -> None:
    """E009, by the factor's id and the error's class: its text may hold a password."""
    [message] = found(**project("e009_delivery_not_there"))
    assert message.msg == "The delivery of the factor 'carrier' cannot be made: ImportError."


def test_a_policy_that_does_not_tell_what_it_takes() -> None:
    """What is written in C may not say how it is called: then nothing is said."""
    assert found(OTP_GATE={"POLICY": max}) == []


def test_a_gate_that_only_reports() -> None:
    """W001 outside of development: a roll-out must not be forgotten."""
    [message] = found(OTP_GATE={"MODE": "report"}, DEBUG=False)
    assert (message.id, message.level) == ("otp_gate.W001", django_checks.WARNING)
    assert found(OTP_GATE={"MODE": "report"}, DEBUG=True) == []


def test_development_may_print_codes_and_keep_them_in_this_process(in_production: None) -> None:
    """With DEBUG, the terminal is where the one who reads it sits."""
    for name in ("w003_mail_console", "w003_code_in_the_terminal", "e010_redis_in_this_process"):
        assert found(**{**project(name), "DEBUG": True}) == []


def test_a_host_that_anybody_may_name(in_production: None) -> None:
    """W010 in production only, and not where the sites framework or ALLOWED_HOSTS says the host."""
    bad = project("w010_any_host")
    assert found(**{**bad, "DEBUG": True}) == []
    assert found(**{**bad, "INSTALLED_APPS": current.INSTALLED_APPS}) == []
    assert found(**{**bad, "ALLOWED_HOSTS": [".example.org"]}) == []
    [message] = found(**{**bad, "ALLOWED_HOSTS": [".example.org", "*"]})
    assert message.hint.startswith('ALLOWED_HOSTS = ["www.example.com"]')


def test_mail_without_a_default_mailer_is_no_affair_of_ours(in_production: None) -> None:
    """Django 6.1 says itself that a mailer is missing; another factor needs none."""
    assert found(**{**project("right"), "MAILERS": {}}) == []
    text = {"FACTORS": ["tests.doubles.TextMessage"]}
    assert found(**{**project("w003_mail_console"), "OTP_GATE": text}) == []


def test_a_wrong_setting_hides_no_other_check() -> None:
    """What depends on a configuration that cannot be read is not guessed at."""
    local = {"default": {"BACKEND": LOCMEM}}
    assert [message.id for message in found(OTP_GATE={"XYZ": 1}, CACHES=local)] == ["otp_gate.E001"]
    ids = {message.id for message in found(OTP_GATE={"XYZ": 1}, MIDDLEWARE=[SESSIONS, AUTH])}
    assert ids == {"otp_gate.E001", "otp_gate.E002"}


# What only `check --deploy` asks


EVICTING = project("w014_redis_that_evicts")["CACHES"]


@pytest.mark.parametrize("command", [["migrate"], ["check"], ["makemigrations", "--check"]])
def test_redis_is_not_asked_but_by_check_deploy(
    db: None, settings: Any, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A container that migrates, or a developer's machine, may have no Redis at all."""
    settings.CACHES = EVICTING
    with redis_commands() as seen:
        call_command(*command, verbosity=0)
    assert seen == []
    with redis_commands() as seen:
        call_command("check", deploy=True, fail_level="CRITICAL")
    assert seen == ["INFO"]
    assert "(otp_gate.W014) Redis has maxmemory-policy allkeys-lru" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("policy", "told"),
    [("volatile-ttl", ["otp_gate.W014"]), ("allkeys-lru", ["otp_gate.W014"]), ("noeviction", [])],
)
@pytest.mark.parametrize("forbids", [[], ["-info"]], ids=str)
@pytest.mark.once
def test_policy_of_a_real_redis(
    settings: Any, policy: str, told: list[str], forbids: list[str]
) -> None:
    """Where INFO is forbidden, CONFIG says it."""
    options = ["--user", "default", "on", "nopass", "~*", "&*", "+@all", *forbids]
    with servers.redis_process("--maxmemory-policy", policy, *options) as server:
        settings.CACHES = redis_at(server.port)
        assert [message.id for message in found(deploy=True)] == told
        settings.CACHES = {**EVICTING}


def test_redis_that_says_nothing_is_a_note_of_check_deploy(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """As where INFO and CONFIG are forbidden."""
    settings.CACHES = redis_at(1)
    monkeypatch.setattr("otp_gate.store.ask", lambda *_: None)
    [message] = found(deploy=True)
    settings.CACHES = {**EVICTING}
    assert (message.id, message.level) == ("otp_gate.I001", django_checks.INFO)


@pytest.mark.once
def test_redis_that_forbids_questions_is_a_note_of_check_deploy(settings: Any) -> None:
    """A managed server may forbid INFO and CONFIG: nobody knows, and no build fails."""
    options = ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info", "-config"]
    with servers.redis_process(*options) as server:
        settings.CACHES = redis_at(server.port)
        [message] = found(deploy=True)
        settings.CACHES = {**EVICTING}
    assert (message.id, message.level) == ("otp_gate.I001", django_checks.INFO)
    assert "INFO and CONFIG are forbidden" in message.msg


def test_redis_that_is_away_is_a_note_of_check_deploy(no_redis: None) -> None:
    """The machine that builds the container has none."""
    [message] = found(deploy=True)
    assert (message.id, message.level) == ("otp_gate.I001", django_checks.INFO)
    assert "ConnectionError" in message.msg
    assert "noeviction" in message.hint


@pytest.mark.parametrize(
    "changed",
    [
        {"OTP_GATE": {"CACHE": 7}},
        {"OTP_GATE": {"CACHE": "elsewhere"}},
        {"CACHES": {"default": {"BACKEND": LOCMEM}}},
    ],
    ids=str,
)
def test_settings_that_name_no_redis_are_told_by_their_own_check(changed: Any) -> None:
    """And by it alone."""
    assert len(found(deploy=True, **changed)) == 1
