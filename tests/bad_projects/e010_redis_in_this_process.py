"""DEBUG is off, and the Redis is inside each worker."""

from __future__ import annotations

from fakeredis import FakeRedisConnection

from tests.bad_projects.right import *  # noqa: F403

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://fake:6379/0",
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}},
    }
}
