"""What the gate rests on: the cache, the sessions, and what carries a code to a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.sessions.backends.signed_cookies import SessionStore as SignedCookies
from django.core import checks, mail
from django.core.checks import CheckMessage, Error
from django.core.mail.backends import console, dummy, filebased, locmem
from django.utils.module_loading import import_string

from otp_gate import conf, store
from otp_gate.delivery import backends
from otp_gate.delivery.console import ConsoleDelivery
from otp_gate.delivery.email import EmailDelivery

E_CACHE = "otp_gate.E005"
E_IN_PROCESS = "otp_gate.E010"
W_SIGNED_COOKIES = "otp_gate.W002"
W_NOBODY_READS = "otp_gate.W003"
W_ANY_HOST = "otp_gate.W010"

IN_PROCESS = "fakeredis"

NOT_SENT = (
    console.EmailBackend,
    dummy.EmailBackend,
    filebased.EmailBackend,
    locmem.EmailBackend,
)


def check_cache(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The cache of the gate is a Redis that all workers share, served by django-redis."""
    config, _ = conf.read_settings()
    if config is None:
        return []
    found = list(wrong_cache(config.cache, "codes live there", "knows no code of another"))
    other = config.saved_requests_cache
    if other not in (None, config.cache):
        found += wrong_cache(
            other, "saved requests live there", "finds no saved request of another"
        )
    return found


def wrong_cache(alias: str, use: str, consequence: str) -> Iterator[CheckMessage]:
    """Give what is wrong with a cache that the gate uses.

    Args:
        alias: its name in CACHES.
        use: what is stored there, in words.
        consequence: what a worker misses if the Redis is a part of another process, in words.
    """
    cache: Any = settings.CACHES.get(alias, {})
    hint = (
        f"CACHES = {{{alias!r}: {{'BACKEND': 'django_redis.cache.RedisCache', "
        "'LOCATION': 'redis://127.0.0.1:6379/0'}, ...}"
    )
    if not store.is_redis(cache):
        yield Error(
            f"CACHES[{alias!r}] is no Redis served by django-redis; {use}.",
            hint=hint,
            id=E_CACHE,
        )
    elif not settings.DEBUG and not is_tested() and is_in_process(alias):
        yield Error(
            f"CACHES[{alias!r}] is a Redis inside this process ({IN_PROCESS}): each worker counts "
            f"for itself, and {consequence}.",
            hint=hint,
            id=E_IN_PROCESS,
        )


def is_in_process(alias: str) -> bool:
    """True if the Redis of this cache is a part of this process."""
    cache: Any = settings.CACHES.get(alias, {})
    return names(cache.get("OPTIONS", {}), IN_PROCESS)


def names(options: Any, package: str) -> bool:
    """True if some value of the options is of this package, or a dotted path into it."""
    if isinstance(options, Mapping):
        return any(names(value, package) for value in options.values())
    path = options if isinstance(options, str) else getattr(options, "__module__", "")
    return str(path).split(".")[0] == package


def is_tested() -> bool:
    """True inside a test run, where Django has put mail aside: in-process parts are right there."""
    return hasattr(mail, "outbox")


def check_sessions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A verified session can be ended."""
    engine = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    if not issubclass(engine, SignedCookies):
        return []
    return [
        checks.Warning(
            "Sessions live in signed cookies: one that was copied while it was verified stays so, "
            "also after a log-out.",
            hint='SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"',
            id=W_SIGNED_COOKIES,
        )
    ]


def check_delivery(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Outside of development, codes leave the machine."""
    config, _ = conf.read_settings()
    if config is None or settings.DEBUG:
        return []
    return [
        checks.Warning(
            f"DEBUG is off, and the factor {factor!r} writes codes to {where}, where the person "
            "does not read them and others may.",
            hint=hint,
            id=W_NOBODY_READS,
        )
        for factor, where, hint in going_nowhere(config)
    ]


def going_nowhere(config: conf.GateConfig) -> Iterator[tuple[str, str, str]]:
    """Give the factors whose codes stay here: id, where to, and the line to change."""
    backend = mail_backend()
    for factor in config.factors:
        try:
            delivery = getattr(factor, "deliver", None)
        except Exception:  # noqa: S112 - E009 tells of it
            continue
        if isinstance(delivery, ConsoleDelivery):
            yield factor.id, "the terminal", 'OTP_GATE = {"FACTORS": [...]}, without it'
        elif isinstance(delivery, EmailDelivery) and backend is not None:
            name = f"{backend.__module__}.{backend.__qualname__}"
            line = f'"{"django.core.mail.backends.smtp.EmailBackend"}"'
            setting = (
                f'MAILERS = {{"default": {{"BACKEND": {line}}}}}'
                if hasattr(settings, "MAILERS")
                else f"EMAIL_BACKEND = {line}"
            )
            yield factor.id, name, setting


def mail_backend() -> type | None:
    """Return the mail backend if it sends nothing."""
    try:
        backend = backends.backend()
    except Exception:  # check_mail tells of it
        return None
    if backend is None:
        return None
    if is_tested() and issubclass(backend, locmem.EmailBackend):
        return None  # Django's own test runner put it there.
    return backend if issubclass(backend, NOT_SENT) else None


def check_hosts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The links in messages lead to this site, and not to the host that a request names.

    Django's documentation of ALLOWED_HOSTS names the attack: a client sends the password with a
    `Host` of its own, and the mail to the user then holds a link to that host.
    """
    if settings.DEBUG or apps.is_installed("django.contrib.sites"):
        return []
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        checks.Warning(
            "ALLOWED_HOSTS holds '*', and the sites framework is not installed: the mail with the "
            "code names, and links to, the host that the request names, which may be an "
            "attacker's.",
            hint='ALLOWED_HOSTS = ["www.example.com"], with the names of this site',
            id=W_ANY_HOST,
        )
    ]
