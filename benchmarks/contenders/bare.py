"""Django alone: logged in is logged in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest

TITLE = "Django alone"
DISTRIBUTION = "django"
JOURNEY: dict[str, str] = {}
LACKS = {"turned away": "it turns nobody away"}


def verified(request: HttpRequest, user: Any) -> None:
    login(request, user)


def redis_version() -> str:
    """Ask the server of this run."""
    from django_redis import get_redis_connection

    return str(get_redis_connection("default").info("server")["redis_version"])
