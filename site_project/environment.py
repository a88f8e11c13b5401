"""What the settings read from the environment."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "") or default


def flag(name: str, *, default: bool) -> bool:
    value = text(name, str(default)).lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} is 1 or 0, not {value!r}.")


def words(name: str) -> list[str]:
    return text(name).replace(",", " ").split()


def secret_key(*, debug: bool) -> str:
    """Return SECRET_KEY. A random one would differ between workers, so only one process gets it."""
    found = text("SECRET_KEY")
    if found:
        return found
    if debug:
        return get_random_secret_key()
    raise ImproperlyConfigured("Set SECRET_KEY: with DEBUG=0 there is no default for it.")


def database(url: str) -> dict[str, Any]:
    """Return the entry of DATABASES for sqlite:///relative, sqlite:////absolute or postgres://…"""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path[1:])}
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured("DATABASE_URL begins with sqlite:/// or postgres://.")


def redis_cache(url: str, *, debug: bool) -> dict[str, Any]:
    """Return the entry of CACHES: the Redis at `url`, or one inside this process."""
    cache: dict[str, Any] = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}
    if url:
        return cache
    if not debug:
        raise ImproperlyConfigured(
            "Set REDIS_URL: with DEBUG=0 the workers need one Redis that they share, "
            "for example REDIS_URL=redis://127.0.0.1:6379/0."
        )
    try:
        from fakeredis import FakeRedisConnection
    except ImportError as error:
        raise ImproperlyConfigured("Set REDIS_URL, or install fakeredis[lua].") from error
    cache["LOCATION"] = "redis://in-this-process/0"
    cache["OPTIONS"] = {"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}}
    return cache


def email(host: str, port: int) -> dict[str, Any]:
    """Return the email settings: that SMTP server, or the terminal.

    Django 6.1 deprecates EMAIL_BACKEND and its like in favour of MAILERS.
    """
    package = "django.core.mail.backends.smtp" if host else "site_project.mail"
    backend = f"{package}.EmailBackend"
    if django.VERSION >= (6, 1):
        options = {"host": host, "port": port} if host else {}
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    server = {"EMAIL_HOST": host, "EMAIL_PORT": port} if host else {}
    return {"EMAIL_BACKEND": backend, **server}
