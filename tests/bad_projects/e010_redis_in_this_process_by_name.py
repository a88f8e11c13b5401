"""DEBUG is off, and a dotted path leads to a Redis inside each worker."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://fake:6379/0",
        "OPTIONS": {"REDIS_CLIENT_CLASS": "fakeredis.FakeRedis"},
    }
}
