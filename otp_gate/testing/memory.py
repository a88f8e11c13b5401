"""A Redis in this process, for suites that have none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count

from django.conf import settings
from django.test import override_settings

from otp_gate import conf

ALIAS = "otp_gate_testing"

_numbers = count(1)


@contextmanager
def fake_redis() -> Iterator[None]:
    """Keep the gate's codes and limits in an empty Redis inside this process.

    The project's own caches stay as they are: the gate is given an alias of its own. Also a
    decorator.

    Raises:
        RuntimeError: fakeredis is not installed, or lupa, in which it runs the gate's scripts.
    """
    if not (find_spec("fakeredis") and find_spec("lupa")):
        raise RuntimeError('fake_redis needs fakeredis: pip install "fakeredis[lua]"')
    from fakeredis import FakeRedisConnection

    cache = {
        "BACKEND": "django_redis.cache.RedisCache",
        # A server of its own each time, and so an empty one.
        "LOCATION": f"redis://{ALIAS}-{next(_numbers)}:6379/0",
        "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}},
    }
    with override_settings(
        CACHES={**settings.CACHES, ALIAS: cache}, OTP_GATE={**conf.given(), "CACHE": ALIAS}
    ):
        yield
