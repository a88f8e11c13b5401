"""The setting OTP_GATE: defaults, wrong keys, wrong types, and changes while tests run."""

from __future__ import annotations

import ast
import inspect
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings

from otp_gate import conf, policy
from otp_gate.conf import Failures, GateConfig, gate_config
from otp_gate.factors.email import EmailCode
from tests import doubles
from tests.browsers import status_of
from tests.helpers import VERIFY, open_page

CONSOLE = "otp_gate.factors.console.ConsoleCode"
DEFAULTS = {
    "cache": "default",
    "saved_requests_cache": None,
    "redis_timeout": 0.5,
    "key_prefix": "otp_gate",
    "mode": "enforce",
    "policy": policy.everyone,
    "code_length": 6,
    "code_ttl": 300,
    "code_attempts": 5,
    "resend_cooldown": 30,
    "sends": ((5, 900), (20, 86400)),
    "global_sends": None,
    "alarm": (50, 3600),
    "failures": Failures(lock_after=10, lock=60, lock_max=3600, per_day=30, stop=100),
    "pending_ttl": 900,
    "verified_ttl": None,
    "exempt_views": (),
    "exempt_paths": (),
    "hide_after_login": "auto",
    "login_views": (),
    "trusted_browser_ttl": None,
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"FACTORS": [CONSOLE]}, ((100, 900),)),
        ({"FACTORS": [CONSOLE], "SENDS": [(1, 60)]}, ((1, 60),)),
        ({"FACTORS": [CONSOLE, EmailCode]}, ((5, 900), (20, 86_400))),
        ({"FACTORS": []}, None),
        ({}, ((5, 900), (20, 86_400))),
    ],
    ids=str,
)
def test_a_terminal_is_no_mailbox(given: dict[str, Any], expected: Any) -> None:
    """Whoever develops with the console factor alone is not made to wait."""
    config, _ = conf.read(given)
    assert (config and config.sends) == expected


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_key_has_its_default(name: str) -> None:
    """With no OTP_GATE at all everything is protected."""
    assert getattr(gate_config(), name) == DEFAULTS[name]


def test_the_default_factor_is_the_email() -> None:
    """Codes by mail, to `user.email`; no other key is without a default in the table above."""
    [factor] = gate_config().factors
    assert type(factor) is EmailCode
    assert {item.name for item in fields(GateConfig)} == {*DEFAULTS, "factors"}


def problems(raw: Any) -> str:
    config, found = conf.read(raw)
    assert (config is None) == bool(found)
    return " ".join(found)


DURATIONS = ["CODE_TTL", "PENDING_TTL", "VERIFIED_TTL", "TRUSTED_BROWSER_TTL", "RESEND_COOLDOWN"]


@pytest.mark.parametrize("key", DURATIONS)
@pytest.mark.parametrize("value", [90, timedelta(seconds=90), timedelta(minutes=1, seconds=30)])
def test_durations_are_seconds_or_timedelta(key: str, value: object) -> None:
    """Both ways to say it are one number of seconds."""
    config, _ = conf.read({key: value})
    assert config is not None
    assert getattr(config, key.lower()) == 90


@pytest.mark.parametrize("value", [0.25, timedelta(milliseconds=250)])
def test_timeout_of_redis_may_be_a_fraction_of_a_second(value: object) -> None:
    """Whole seconds, as elsewhere, would be too coarse."""
    config, _ = conf.read({"REDIS_TIMEOUT": value})
    assert config is not None
    assert config.redis_timeout == 0.25


@pytest.mark.parametrize("none", [0, timedelta(0)])
def test_codes_may_follow_each_other_at_once(none: object) -> None:
    """No cooldown at all can be said both ways."""
    config, _ = conf.read({"RESEND_COOLDOWN": none})
    assert config is not None
    assert config.resend_cooldown == 0


def test_durations_inside_pairs_may_be_timedelta() -> None:
    """Windows and locks, too."""
    config, _ = conf.read(
        {
            "SENDS": [(1, timedelta(hours=1))],
            "GLOBAL_SENDS": (2, timedelta(hours=1)),
            "ALARM": (3, timedelta(hours=1)),
            "FAILURES": {"lock": timedelta(minutes=2), "lock_max": timedelta(hours=2)},
        }
    )
    assert config is not None
    assert (config.sends, config.global_sends, config.alarm) == (((1, 3600),), (2, 3600), (3, 3600))
    assert (config.failures.lock, config.failures.lock_max) == (120, 7200)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CACHE", ""),
        ("CACHE", None),
        ("SAVED_REQUESTS_CACHE", ""),
        ("SAVED_REQUESTS_CACHE", 1),
        ("REDIS_TIMEOUT", 0),
        ("REDIS_TIMEOUT", -0.5),
        ("REDIS_TIMEOUT", 30.1),
        ("REDIS_TIMEOUT", float("inf")),
        ("REDIS_TIMEOUT", float("nan")),
        ("REDIS_TIMEOUT", True),
        ("REDIS_TIMEOUT", None),
        ("REDIS_TIMEOUT", "0.5"),
        ("REDIS_TIMEOUT", timedelta(0)),
        ("REDIS_TIMEOUT", timedelta(minutes=1)),
        ("KEY_PREFIX", 1),
        ("KEY_PREFIX", ""),
        ("MODE", "off"),
        ("MODE", None),
        ("MODE", ["enforce"]),
        ("POLICY", "otp_gate.policy.nobody"),
        ("POLICY", "nowhere.at.all"),
        ("POLICY", 1),
        ("POLICY", type("Staff", (), {"__init__": lambda self, request: None})),
        ("FACTORS", []),
        ("FACTORS", "otp_gate.factors.email.EmailCode"),
        ("FACTORS", None),
        ("FACTORS", [42]),
        ("FACTORS", [object]),
        ("FACTORS", ["otp_gate.factors.email.Nothing"]),
        ("FACTORS", [EmailCode, EmailCode]),
        ("FACTORS", [type("Colon", (EmailCode,), {"id": "e:mail"})]),
        ("FACTORS", [type("Needy", (EmailCode,), {"__init__": lambda self, needed: None})]),
        ("CODE_LENGTH", 5),
        ("CODE_LENGTH", 11),
        ("CODE_LENGTH", "6"),
        ("CODE_LENGTH", True),
        ("CODE_LENGTH", None),
        ("CODE_TTL", 0),
        ("CODE_TTL", -1),
        ("CODE_TTL", "300"),
        ("CODE_TTL", 1.5),
        ("CODE_TTL", None),
        ("CODE_TTL", timedelta(0)),
        ("CODE_TTL", timedelta(milliseconds=900)),
        ("CODE_ATTEMPTS", 0),
        ("CODE_ATTEMPTS", None),
        ("RESEND_COOLDOWN", -1),
        ("RESEND_COOLDOWN", None),
        ("RESEND_COOLDOWN", False),
        ("SENDS", (5, 900)),
        ("SENDS", [(5, 900, 1)]),
        ("SENDS", [(0, 900)]),
        ("SENDS", [(5, 0)]),
        ("SENDS", {"5": 900}),
        ("SENDS", None),
        ("GLOBAL_SENDS", 100),
        ("GLOBAL_SENDS", (100,)),
        ("GLOBAL_SENDS", "ab"),
        ("ALARM", (50, "an hour")),
        ("ALARM", 50),
        ("FAILURES", None),
        ("FAILURES", []),
        ("FAILURES", {"lock_after": 0}),
        ("FAILURES", {"lock": "1m"}),
        ("FAILURES", {"lock_afer": 10}),
        ("FAILURES", {1: 2}),
        ("PENDING_TTL", 0),
        ("PENDING_TTL", None),
        ("VERIFIED_TTL", 0),
        ("EXEMPT_VIEWS", "home"),
        ("EXEMPT_VIEWS", [None]),
        ("EXEMPT_PATHS", "/public/"),
        ("EXEMPT_PATHS", [""]),
        ("EXEMPT_PATHS", {"/public/"}),
        ("TRUSTED_BROWSER_TTL", "forever"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object) -> None:
    """What cannot be meant is refused, with the key that it stands under."""
    assert problems({key: value}).startswith(f"OTP_GATE['{key}']: ")


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("CODE_TLL", "CODE_TTL"),
        ("code_ttl", "CODE_TTL"),
        ("FACTOR", "FACTORS"),
        ("EXEMPT_URLS", "EXEMPT_VIEWS"),
        ("RESEND_COOLDOWN_SECONDS", "RESEND_COOLDOWN"),
        ("POLCY", "POLICY"),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, meant: str) -> None:
    """A misspelt key is no silent default."""
    assert problems({key: 1}) == f"OTP_GATE has no key '{key}' (did you mean '{meant}'?)."


@pytest.mark.parametrize("key", ["XYZ", 7, ("?", 1)])
def test_an_unknown_key_without_a_near_one_is_just_refused(key: object) -> None:
    """No guess is better than a wild one."""
    assert problems({key: 1}) == f"OTP_GATE has no key {key!r}."


def test_a_misspelt_key_of_failures_names_the_nearest() -> None:
    """The dict inside the dict is checked as well."""
    assert "did you mean 'lock_after'?" in problems({"FAILURES": {"lock_afer": 10}})


@pytest.mark.parametrize("raw", [None, [], "enforce", 7])
def test_the_setting_is_a_dict(raw: object) -> None:
    """Anything else is refused."""
    assert problems(raw) == "OTP_GATE must be a dict."


def test_all_problems_are_named_at_once() -> None:
    """Nobody has to start the server once for each mistake."""
    found = problems({"CODE_TTL": 0, "MODE": "off", "XYZ": 1})
    assert found.count("OTP_GATE") == 3


def test_failures_may_be_given_in_part() -> None:
    """What is left out keeps its default."""
    config, _ = conf.read({"FAILURES": {"per_day": 12}})
    assert config is not None
    assert config.failures == Failures(per_day=12)


def test_ready_made_values_are_taken_as_they_are() -> None:
    """Objects instead of paths and dicts."""
    config, _ = conf.read(
        {
            "POLICY": policy.staff,
            "FAILURES": Failures(stop=50),
            "FACTORS": (doubles.Carrier(),),
            "GLOBAL_SENDS": None,
            "ALARM": None,
            "RESEND_COOLDOWN": 0,
            "SENDS": [],
        }
    )
    assert config is not None
    assert config.policy is policy.staff
    assert config.failures.stop == 50
    assert config.factors[0].id == "carrier"
    assert (config.alarm, config.resend_cooldown, config.sends) == (None, 0, ())


def test_the_configuration_cannot_be_changed_in_place() -> None:
    """One place says what is in force."""
    with pytest.raises(FrozenInstanceError):
        gate_config().code_ttl = 1  # type: ignore[misc]


def test_override_settings_is_in_force_at_once(half: Client) -> None:
    """A test of the project may change anything, for as long as it runs."""
    with override_settings(OTP_GATE={"CODE_LENGTH": 8, "CODE_ATTEMPTS": 3}):
        assert len(open_page(half)) == 8
        assert status_of(half)["attempts_left"] == 3
    with override_settings(OTP_GATE={"CODE_LENGTH": 10}), override_settings(LANGUAGE_CODE="de"):
        assert gate_config().code_length == 10
    assert gate_config().code_length == 6


def test_a_wrong_setting_serves_nothing(alice: Any) -> None:
    """Rather no site than an open one: the server does not start, with the reason in words."""
    with (
        override_settings(OTP_GATE={"MODE": "off"}),
        pytest.raises(ImproperlyConfigured, match="MODE"),
    ):
        Client().get(VERIFY)


def test_each_field_has_a_docstring() -> None:
    """The settings page of the docs is made from them."""
    for cls in (GateConfig, Failures):
        body = ast.parse(inspect.getsource(cls)).body[0]
        assert isinstance(body, ast.ClassDef)
        lines = body.body[1:]
        for field, text in zip(lines[::2], lines[1::2], strict=True):
            assert isinstance(field, ast.AnnAssign)
            assert isinstance(text, ast.Expr)
