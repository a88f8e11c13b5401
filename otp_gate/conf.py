"""The setting OTP_GATE as a frozen dataclass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache, partial
from inspect import isabstract
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

Policy = Callable[[HttpRequest], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Wrong answers per user, over all challenges, factors and sessions (RFC 4226 section 7.3)."""

    lock_after: int = 10
    """Every so many wrong answers in a row lock the user's second step …"""
    lock: int = 60
    """… for this long (seconds), then twice as long each time …"""
    lock_max: int = 3600
    """… up to this (seconds)."""
    per_day: int = 30
    """So many wrong answers in 24 hours lock it until the window has moved on."""
    stop: int = 100
    """So many in a row lock it until an administrator, or a new password, unlocks it
    (NIST SP 800-63B, rate limiting: at most 100)."""


def seconds(value: object) -> int:
    """Accept a whole number of seconds or a `timedelta`."""
    if isinstance(value, timedelta):
        value = int(value.total_seconds())
    return whole(value, least=1)


def whole(value: object, *, least: int, most: int | None = None) -> int:
    """Accept an `int` in a range; `True` is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("it must be a whole number")
    if value < least or (most is not None and value > most):
        limit = f"from {least} to {most}" if most is not None else f"{least} or more"
        raise ValueError(f"it must be {limit}")
    return value


def pause(value: object) -> int:
    """Accept seconds, and 0 for none."""
    none = value == timedelta(0) or (value == 0 and not isinstance(value, bool))
    return 0 if none else seconds(value)


def time_limit(value: object) -> float:
    """Accept more than 0 and at most 30 seconds, as `int`, `float` or `timedelta`.

    30 is what gunicorn grants a worker that answers nothing.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("it must be a number of seconds")
    if not 0 < value <= 30:
        raise ValueError("it must be more than 0 and at most 30 seconds")
    return float(value)


def optional(check: Callable[[object], Any]) -> Callable[[object], Any]:
    """Accept None, or what `check` accepts."""
    return lambda value: None if value is None else check(value)


def text(value: object) -> str:
    """Accept a `str` that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("it must be a non-empty string")
    return value


def one_of(*words: str) -> Callable[[object], str]:
    """Accept one of these words."""

    def accept(value: object) -> str:
        if value not in words:
            known = [f'"{word}"' for word in words]
            raise ValueError(f"it must be {', '.join(known[:-1])} or {known[-1]}")
        return str(value)

    return accept


def imported(value: object) -> Any:
    """Accept an object, or its dotted path."""
    if not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        raise ValueError(f"it cannot be imported: {error}") from error


def policy(value: object) -> Policy:
    """Accept a callable, or its dotted path."""
    found = imported(value)
    if not callable(found) or isinstance(found, type):
        # A class would answer with an instance of itself, which is true, whoever asks.
        raise ValueError("it must be a callable (not a class) or the dotted path of one")
    return found  # type: ignore[no-any-return]


def listed(check: Callable[[object], Any]) -> Callable[[object], tuple[Any, ...]]:
    """Accept a list or tuple of what `check` accepts."""

    def accept(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("it must be a list")
        return tuple(check(item) for item in value)

    return accept


def factors(value: object) -> tuple[Any, ...]:
    """Accept a list with at least one factor: a class, an instance or a dotted path."""
    found = listed(imported)(value)
    if not found:
        raise ValueError("it must name at least one factor")
    abstract = [item.__name__ for item in found if isinstance(item, type) and isabstract(item)]
    if abstract:
        raise ValueError(f"{abstract[0]} must be subclassed; see its docstring")
    made = tuple(item() if isinstance(item, type) else item for item in found)
    ids = [str(getattr(item, "id", "")) for item in made]
    if not all(name.isalnum() for name in ids):
        raise ValueError("each factor needs an `id` of letters and digits")
    if len(set(ids)) < len(ids):
        raise ValueError("each factor needs an `id` of its own")
    return made


def quota(value: object) -> tuple[int, int]:
    """Accept a pair: a number, and the window (seconds) in which it counts."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("it must be a pair (number, window)")
    return whole(value[0], least=1), seconds(value[1])


def failures(value: object) -> Failures:
    """Accept a dict with some of the keys of `Failures`."""
    if isinstance(value, Failures):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("it must be a dict")
    found = {}
    for key, item in value.items():
        if key not in Failures.__slots__:
            raise ValueError(f"{key!r} is no key of it{nearest(key, Failures.__slots__)}")
        found[key] = seconds(item) if key in ("lock", "lock_max") else whole(item, least=1)
    return Failures(**found)


def nearest(key: object, keys: tuple[str, ...]) -> str:
    """Return " (did you mean 'X'?)", or nothing."""
    import difflib  # By the process that finds a mistake.

    spelled = {name.upper(): name for name in keys}
    close = difflib.get_close_matches(str(key).upper(), spelled, n=1, cutoff=0.5)
    return f" (did you mean {spelled[close[0]]!r}?)" if close else ""


FACTORS = ["otp_gate.factors.email.EmailCode"]


def setting(default: object, check: Callable[[object], Any]) -> Any:
    return field(metadata={"default": default, "check": check})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """What the project set, checked, with defaults; each field is a key of OTP_GATE, upper-case.

    Durations are given as `int` seconds or `timedelta`, and are seconds here.
    """

    cache: str = setting("default", text)
    """Alias in CACHES, served by django-redis, where the challenges live."""
    saved_requests_cache: str | None = setting(None, optional(text))
    """Alias in CACHES, served by django-redis, where forms wait for a code (`otp_required` with
    `max_age`); None for that of CACHE. They take up to 64 MB. In a Redis of their own they cannot
    use up the memory that codes and limits need."""
    redis_timeout: float = setting(0.5, time_limit)
    """Seconds that one answer of Redis, or one connection to it, may take (also `float`, at most
    30). After that the pages of the gate answer 503."""
    key_prefix: str = setting("otp_gate", text)
    """First part of the key that is given to the cache's own `make_key`, which puts `KEY_PREFIX`,
    `VERSION` and `KEY_FUNCTION` of CACHES around it. No braces."""
    mode: str = setting("enforce", one_of("enforce", "report"))
    """"enforce", or "report": decide, log and signal, but let everybody through (a roll-out)."""
    policy: Policy = setting("otp_gate.policy.everyone", policy)
    """Who must pass: a callable or dotted path, `(request) -> bool`."""
    factors: tuple[Any, ...] = setting(FACTORS, factors)
    """The ways to prove it, in order of preference: classes, instances or dotted paths."""
    code_length: int = setting(6, lambda value: whole(value, least=6, most=10))
    """Digits of a code, 6 to 10 (6 is the least that ASVS 6.5.4 names sufficient)."""
    code_ttl: int = setting(300, seconds)
    """A code's life. At most 600 is allowed by ASVS 6.5.5 and NIST; a system check says so."""
    code_attempts: int = setting(5, lambda value: whole(value, least=1))
    """Wrong answers before a code is void."""
    resend_cooldown: int = setting(30, pause)
    """Seconds between two codes of one login; 0 for none."""
    sends: tuple[tuple[int, int], ...] = setting([(5, 900), (20, 86400)], listed(quota))
    """Codes per user: pairs of a number and a window."""
    global_sends: tuple[int, int] | None = setting(None, optional(quota))
    """Codes of the whole site, a number and a window: a breaker against mail and SMS abuse."""
    alarm: tuple[int, int] | None = setting((50, 3600), optional(quota))
    """Wrong answers on the whole site in a window after which `guessing_suspected` is sent."""
    failures: Failures = setting(Failures(), failures)
    """When wrong answers lock a user's second step: a dict with keys of `Failures`."""
    pending_ttl: int = setting(900, seconds)
    """A half-authenticated session older than this is logged out."""
    verified_ttl: int | None = setting(None, optional(seconds))
    """A verified session older than this must verify again; None for as long as it lives."""
    exempt_views: tuple[str, ...] = setting([], listed(text))
    """Views that stay open: URL names, `"namespace:name"`, or `"namespace:*"`."""
    exempt_paths: tuple[str, ...] = setting([], listed(text))
    """Paths that stay open, matched on whole segments of the decoded path."""
    hide_after_login: str = setting("auto", one_of("auto", "always", "never"))
    """After a login inside a view, hide the user for the rest of that view: "auto" (except in
    known login views), "always" or "never"."""
    login_views: tuple[str, ...] = setting([], listed(text))
    """The project's own login views, which read `request.user` after the login: as EXEMPT_VIEWS."""
    trusted_browser_ttl: int | None = setting(None, optional(seconds))
    """How long a browser may be remembered (needs `otp_gate.devices`)."""


SENDS_IN_A_TERMINAL = ((100, 900),)  # The default where no factor but those for development is.

KEYS = tuple(item.name.upper() for item in fields(GateConfig))


def read(raw: object) -> tuple[GateConfig | None, list[str]]:
    """Return the configuration, or None and every problem in words."""
    if not isinstance(raw, Mapping):
        return None, ["OTP_GATE must be a dict."]
    problems = [
        f"OTP_GATE has no key {key!r}{nearest(key, KEYS)}." for key in raw if key not in KEYS
    ]
    found: dict[str, Any] = {}
    for item in fields(GateConfig):
        key = item.name.upper()
        check, default = item.metadata["check"], item.metadata["default"]
        if default is FACTORS and key not in raw:
            # Known to be right: imported by the worker that sends the first code.
            found[item.name] = SimpleLazyObject(partial(check, default))
            continue
        try:
            found[item.name] = check(raw.get(key, default))
        except (ValueError, TypeError) as error:
            problems.append(f"OTP_GATE[{key!r}]: {error}.")
    chosen = found.get("factors") if "FACTORS" in raw else None
    if chosen and "SENDS" not in raw and all(getattr(one, "for_development", 0) for one in chosen):
        found["sends"] = SENDS_IN_A_TERMINAL
    return (None, problems) if problems else (GateConfig(**found), [])


def given() -> Any:
    """Return OTP_GATE as the settings have it, unchecked."""
    return getattr(settings, "OTP_GATE", {})


def read_settings() -> tuple[GateConfig | None, list[str]]:
    """See `read`; of OTP_GATE as the settings have it."""
    return read(given())


@cache
def gate_config() -> GateConfig:
    """Return the configuration in force.

    Raises:
        ImproperlyConfigured: a key or value of OTP_GATE is wrong. The gate then serves nothing.
    """
    config, problems = read_settings()
    if config is None:
        raise ImproperlyConfigured(" ".join(problems))
    return config


def _forget(*, setting: str, **_: object) -> None:
    if setting == "OTP_GATE":
        gate_config.cache_clear()


setting_changed.connect(_forget, dispatch_uid="otp_gate.conf")
