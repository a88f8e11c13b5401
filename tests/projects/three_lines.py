"""The three lines, as the pages of the docs show them; GATED=0 leaves them out (the control)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

GATED = os.environ.get("GATED") == "1"
FOLDER = Path(os.environ.get("PROJECT_FOLDER", "."))
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"

APP = "otp_gate"
MIDDLEWARE = "otp_gate.middleware.OTPGateMiddleware"
URL = 'path("otp/", include("otp_gate.urls"))'


def add_three_lines(settings: dict[str, Any]) -> None:
    """Add the app and the middleware; and what each run needs: a cache, a database, a mailbox."""
    settings["SECRET_KEY"] = "the same with the gate and without it, and long enough for tokens"
    settings["DEBUG"] = False
    settings["ALLOWED_HOSTS"] = ["*"]
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "db.sqlite3")}
    settings.setdefault("DATABASES", {"default": sqlite})
    settings.setdefault("DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField")
    settings.setdefault("CACHES", {"default": cache()})
    settings["PASSWORD_HASHERS"] = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings["MEDIA_ROOT"] = str(FOLDER / "media")
    if GATED:
        settings["INSTALLED_APPS"] = [*settings["INSTALLED_APPS"], APP]
        middleware = list(settings["MIDDLEWARE"])
        middleware.insert(middleware.index(AUTHENTICATION) + 1, MIDDLEWARE)
        settings["MIDDLEWARE"] = middleware


def cache() -> dict[str, Any]:
    from fakeredis import FakeRedisConnection

    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://in-this-process/0",
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}},
    }


def gate_urls() -> list[Any]:
    from django.urls import include, path

    return [path("otp/", include("otp_gate.urls"))] if GATED else []


PLAIN_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
PLAIN_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    AUTHENTICATION,
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def templates(*processors: str, dirs: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": list(dirs),
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                    *processors,
                ]
            },
        }
    ]
