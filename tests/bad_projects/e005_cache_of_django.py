"""A Redis, but served by Django and not by django-redis."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.bad_projects.right import REDIS

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS,
    }
}
