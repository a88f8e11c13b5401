"""System checks: ways to configure the gate wrong or insecurely, with the line to paste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags
from django.utils.module_loading import import_string
from django_redis.cache import RedisCache

from otp_gate import conf
from otp_gate.middleware import OTPGateMiddleware
from otp_gate.responses import page_url

E_SETTING = "otp_gate.E001"
E_NO_MIDDLEWARE = "otp_gate.E002"
E_ORDER = "otp_gate.E003"
E_NO_URLS = "otp_gate.E004"
E_CACHE = "otp_gate.E005"
E_CODE_TTL = "otp_gate.E006"
E_OPEN_PATH = "otp_gate.E007"
W_REPORT = "otp_gate.W001"

GATE = "otp_gate.middleware.OTPGateMiddleware"


def register() -> None:
    for check in (check_settings, check_middleware, check_urls, check_cache):
        checks.register(check, Tags.security)


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """OTP_GATE holds known keys with values that can be meant, and none that opens everything."""
    config, problems = conf.read_settings()
    found: list[CheckMessage] = [
        Error(problem, hint=f"Keys of OTP_GATE: {', '.join(conf.KEYS)}.", id=E_SETTING)
        for problem in problems
    ]
    if config is None:
        return found
    if config.code_ttl > 600:
        found.append(
            Error(
                f"A code lives {config.code_ttl} seconds; ASVS 6.5.5 and NIST allow 600.",
                hint='OTP_GATE = {"CODE_TTL": 300, ...}',
                id=E_CODE_TTL,
            )
        )
    found += [
        Error(
            f"OTP_GATE['EXEMPT_PATHS'] holds {path!r}, which would open the whole site.",
            hint="Name a segment below the root, or exempt views by name: EXEMPT_VIEWS.",
            id=E_OPEN_PATH,
        )
        for path in config.exempt_paths
        if not path.strip("/")
    ]
    if config.mode == "report" and not settings.DEBUG:
        found.append(
            checks.Warning(
                "The OTP gate only reports: a password alone opens everything.",
                hint='OTP_GATE = {"MODE": "enforce", ...}',
                id=W_REPORT,
            )
        )
    return found


def check_middleware(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The gate is in MIDDLEWARE, once, after some authentication middleware."""
    classes = [import_string(path) for path in settings.MIDDLEWARE]
    gates = [i for i, item in enumerate(classes) if is_a(item, OTPGateMiddleware)]
    if len(gates) != 1:
        how_often = "not" if not gates else "more than once"
        return [
            Error(
                f"The OTP gate is {how_often} in MIDDLEWARE.",
                hint=f"Add {GATE!r} once, below the authentication middleware.",
                id=E_NO_MIDDLEWARE,
            )
        ]
    before, after = classes[: gates[0]], classes[gates[0] :]
    if any(is_a(item, AuthenticationMiddleware) for item in before):
        return []
    # Django's stands behind the gate; or nothing before it is of the project's own making, so
    # nothing can set request.user. A project's own authentication may be any callable.
    if any(is_a(item, AuthenticationMiddleware) for item in after) or all(
        item.__module__.startswith("django.") for item in before
    ):
        return [
            Error(
                "The OTP gate stands before the authentication middleware, so it sees no user.",
                hint=f"In MIDDLEWARE, move {GATE!r} below "
                f"'django.contrib.auth.middleware.AuthenticationMiddleware'.",
                id=E_ORDER,
            )
        ]
    return []


def is_a(item: object, base: type) -> bool:
    return isinstance(item, type) and issubclass(item, base)


def check_urls(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The gate's own pages are in ROOT_URLCONF."""
    if page_url("verify") is not None:
        return []
    return [
        Error(
            f"The OTP pages are not in {settings.ROOT_URLCONF}.",
            hint='urlpatterns = [path("otp/", include("otp_gate.urls")), ...]',
            id=E_NO_URLS,
        )
    ]


def check_cache(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The cache of the gate is served by django-redis."""
    config, _ = conf.read_settings()
    if config is None:
        return []
    cache: Any = settings.CACHES.get(config.cache, {})
    backend = cache.get("BACKEND")
    if backend is not None and is_a(import_string(backend), RedisCache) and cache.get("LOCATION"):
        return []
    return [
        Error(
            f"CACHES[{config.cache!r}] is no Redis served by django-redis; codes live there.",
            hint=f"CACHES = {{{config.cache!r}: {{'BACKEND': 'django_redis.cache.RedisCache', "
            "'LOCATION': 'redis://127.0.0.1:6379/0'}, ...}",
            id=E_CACHE,
        )
    ]
