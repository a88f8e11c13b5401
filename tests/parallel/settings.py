"""The suite's project as several processes share it: the limits are the default ones.

But for SENDS: twenty sessions of one user each need a code of their own.
"""

from __future__ import annotations

import os

from site_project import environment
from tests.settings import *  # noqa: F403

# Read again here: without a Redis that all workers share this would prove nothing.
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
    }
}
DATABASES = {"default": environment.database(os.environ["DATABASE_URL"])}
# On ASGI each request has a thread of its own, with a connection of its own.
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {"timeout": 60, "transaction_mode": "IMMEDIATE"}

globals().update(environment.email("127.0.0.1", int(os.environ["EMAIL_PORT"])))

OTP_GATE = {
    "SENDS": [(10_000, 900)],
    "FACTORS": ["otp_gate.factors.email.EmailCode", "tests.test_own_factor.Token"],
}
