"""System checks: each with a wrong project that triggers exactly it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core import checks as django_checks
from django.core.management import call_command
from django.test import override_settings

AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
GATE = "otp_gate.middleware.OTPGateMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
REDIS = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:6379/0"}


class OwnAuthentication(AuthenticationMiddleware):
    """A project's subclass."""


def token_authentication(get_response: Any) -> Any:
    """A project's own authentication, as a function."""
    return get_response


class StrictRedisCache:
    """No cache of django-redis, whatever its name."""


def found(**changed: Any) -> list[Any]:
    """Run the checks of the gate under changed settings."""
    with override_settings(**changed):
        everything = django_checks.run_checks()
    return [message for message in everything if message.id.startswith("otp_gate.")]


def test_a_right_project_triggers_none() -> None:
    """The project of the suite, with and without settings of its own, is right."""
    assert found() == []
    assert found(OTP_GATE={"CODE_TTL": 600, "EXEMPT_PATHS": ["/public/", "/a"]}) == []
    call_command("check")


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ({"CODE_TLL": 60}, "did you mean 'CODE_TTL'?"),
        ({"CODE_TTL": "60"}, "OTP_GATE['CODE_TTL']"),
        ([], "OTP_GATE must be a dict"),
    ],
)
def test_a_wrong_setting(gate: Any, told: str) -> None:
    """E001 names key and reason, and all valid keys in its hint."""
    [message] = found(OTP_GATE=gate)
    assert message.id == "otp_gate.E001"
    assert message.level == django_checks.ERROR
    assert told in message.msg
    assert "CODE_TTL, CODE_ATTEMPTS" in message.hint


@pytest.mark.parametrize("how_often", [0, 2])
def test_the_gate_stands_once(settings: Any, how_often: int) -> None:
    """E002: missing, or there twice."""
    middleware = [item for item in settings.MIDDLEWARE if item != GATE] + [GATE] * how_often
    [message] = found(MIDDLEWARE=middleware)
    assert message.id == "otp_gate.E002"
    assert GATE in message.hint


@pytest.mark.parametrize(
    "middleware", [[SESSIONS, GATE, AUTH], [SESSIONS, GATE], [GATE], (SESSIONS, GATE, AUTH)]
)
def test_the_gate_stands_behind_the_authentication(middleware: Any) -> None:
    """E003: what the gate cannot see it cannot hold; the hint is the line to move."""
    [message] = found(MIDDLEWARE=middleware)
    assert message.id == "otp_gate.E003"
    assert AUTH in message.hint
    assert GATE in message.hint


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
    [message] = found(ROOT_URLCONF="tests.named_urls")
    assert message.id == "otp_gate.E004"
    assert 'include("otp_gate.urls")' in message.hint


@pytest.mark.parametrize(
    "caches",
    [
        {},
        {"other": REDIS},
        {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "x"}},
        {"default": {"BACKEND": f"{__name__}.StrictRedisCache"}},
        {"default": {"BACKEND": f"{__name__}.token_authentication"}},
        {"default": {**REDIS, "LOCATION": ""}},
        {"default": {"BACKEND": REDIS["BACKEND"]}},
    ],
)
def test_the_cache_is_no_redis(caches: Any) -> None:
    """E005: no alias of that name, another backend, or no server; the hint is the setting."""
    from otp_gate import checks

    with override_settings(CACHES=caches):
        [message] = checks.check_cache(None)
    assert message.id == "otp_gate.E005"
    assert "django_redis.cache.RedisCache" in message.hint


def test_the_cache_of_the_gate_may_be_another_alias() -> None:
    """Only the alias that CACHE names is looked at."""
    local = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    assert found(CACHES={"default": local, "codes": REDIS}, OTP_GATE={"CACHE": "codes"}) == []
    [message] = found(CACHES={"default": REDIS}, OTP_GATE={"CACHE": "codes"})
    assert (message.id, "'codes'" in message.msg) == ("otp_gate.E005", True)


def test_a_code_that_lives_too_long() -> None:
    """E006: ASVS 6.5.5 and NIST allow ten minutes."""
    [message] = found(OTP_GATE={"CODE_TTL": 601})
    assert message.id == "otp_gate.E006"


@pytest.mark.parametrize("path", ["/", "//", "///"])
def test_a_path_that_opens_the_whole_site(path: str) -> None:
    """E007: the root is no exemption."""
    [message] = found(OTP_GATE={"EXEMPT_PATHS": ["/public/", path]})
    assert message.id == "otp_gate.E007"
    assert repr(path) in message.msg


def test_a_gate_that_only_reports() -> None:
    """W001 outside of development: a roll-out must not be forgotten."""
    [message] = found(OTP_GATE={"MODE": "report"}, DEBUG=False)
    assert (message.id, message.level) == ("otp_gate.W001", django_checks.WARNING)
    assert found(OTP_GATE={"MODE": "report"}, DEBUG=True) == []


def test_a_wrong_setting_hides_no_other_check() -> None:
    """The cache of a configuration that cannot be read is not guessed at."""
    local = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert [message.id for message in found(OTP_GATE={"XYZ": 1}, CACHES=local)] == ["otp_gate.E001"]
