"""DEBUG is off, and each worker saves requests in a Redis inside it."""

from __future__ import annotations

from fakeredis import FakeRedisConnection

from tests.bad_projects.right import *  # noqa: F403
from tests.bad_projects.right import CACHES as RIGHT

CACHES = {
    **RIGHT,
    "forms": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://fake:6379/1",
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}},
    },
}
OTP_GATE = {"SAVED_REQUESTS_CACHE": "forms"}
