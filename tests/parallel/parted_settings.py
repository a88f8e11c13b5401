"""The same project in a failover: each worker may ask a Redis that has not heard of the others."""

from __future__ import annotations

from tests.parallel.crowded_settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.parallel.get_then_set.TwoRedis"]  # noqa: F405
