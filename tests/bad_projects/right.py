"""A right project, as it runs in production: no check has anything to say.

Each of its neighbours is this project with one thing wrong, and named by what a check says of it.
"""

from __future__ import annotations

from site_project import environment
from tests.settings import *  # noqa: F403

REDIS = "redis://redis.example.org:6379/0"
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS}}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
MEDIA_URL = "media/"

globals().update(environment.email("mail.example.org", 25))

OTP_GATE = {
    "EXEMPT_VIEWS": ["open", "named:*", "admin:jsi18n"],
    "EXEMPT_PATHS": ["/public/"],
}
