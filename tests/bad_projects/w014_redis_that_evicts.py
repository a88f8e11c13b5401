"""Redis makes room by deleting keys, those of the gate among them."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.doubles import EvictingRedis

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://fake:6379/0",
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": EvictingRedis}},
    }
}
