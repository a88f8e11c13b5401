"""django-redis is not told where its Redis is."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache"}}
