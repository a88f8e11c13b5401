"""The site that every contender stands in: a bare Django with a login and a few views."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CONTENDERS = "benchmarks.contenders"
ENGINES = ("cache", "db", "cached_db")
SECRET = "benchmark" * 5


def contender() -> Any:
    """Return the module of the contender that this process is about."""
    return import_module(f"{CONTENDERS}.{os.environ['BENCH_CONTENDER']}")


def database(url: str) -> dict[str, Any]:
    """Return an entry of DATABASES; connections live on, as in production."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path, "CONN_MAX_AGE": None}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": os.environ.get("PGPASSWORD", ""),
        "CONN_MAX_AGE": None,
    }


def cache(urls: str) -> dict[str, Any]:
    """Return an entry of CACHES; more than one address are the nodes of a cluster."""
    found: dict[str, Any] = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": urls}
    if "," in urls:
        found["OPTIONS"] = {"CONNECTION_FACTORY": "otp_gate.cluster.ClusterConnectionFactory"}
    return found


def settings() -> dict[str, Any]:
    """Return the settings: those of all, with what the contender's own manual says to add."""
    this = contender()
    after_auth = getattr(this, "MIDDLEWARE", [])
    return {
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": ["*"],
        "USE_TZ": True,
        "ROOT_URLCONF": "benchmarks.urls",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "STATIC_URL": "static/",
        "LOGIN_URL": "/login/",
        "LOGIN_REDIRECT_URL": "/plain/",
        "INSTALLED_APPS": [
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            *getattr(this, "APPS", []),
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *after_auth,
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [Path(__file__).parent / "templates"],
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        "DATABASES": {"default": database(os.environ["BENCH_DATABASE"])},
        "CACHES": {"default": cache(os.environ["BENCH_REDIS"])},
        "SESSION_ENGINE": f"django.contrib.sessions.backends.{os.environ['BENCH_ENGINE']}",
        "EMAIL_BACKEND": "benchmarks.mail.FileBackend"
        if "BENCH_MAIL" in os.environ
        else "django.core.mail.backends.locmem.EmailBackend",
        "LOGGING_CONFIG": None,
        **getattr(this, "SETTINGS", {}),
    }


def set_up() -> None:
    """Configure Django; nothing of the contender has been imported before but its module."""
    import django
    from django.conf import settings as django_settings

    django_settings.configure(**settings())
    django.setup()
