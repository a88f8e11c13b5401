"""A-82 to A-89: a Redis that is away, empty, shared or of the wrong kind.

The servers that are really stopped, paused, filled and cut off are in `tests/faults`.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client

from otp_gate import store
from tests.gates import assert_held
from tests.helpers import DISOWN, JSON, RESEND, VERIFY, disown_link, log_in, open_page

NO_REDIS = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
    }
}


@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_82_without_redis_the_gate_stays_shut(
    settings: Any, half: Client, alice: Any, headers: dict[str, str]
) -> None:
    """503 at each of its pages, soon, with when to come back; nobody is in, and nobody is out."""
    code = open_page(half)
    link = disown_link()
    verified = Client()
    log_in(verified)
    verified.post(VERIFY, {"code": open_page(verified)})
    working, settings.CACHES = settings.CACHES, NO_REDIS
    for method, path, fields in (
        ("get", VERIFY, {}) if not headers else ("post", RESEND, {}),
        ("post", VERIFY, {"code": code}),
        ("post", RESEND, {}),
        ("post", DISOWN, {"token": link.partition("token=")[2]}),
    ):
        start = time.perf_counter()
        response = getattr(half, method)(path, fields, headers=headers)
        assert time.perf_counter() - start < 3
        assert response.status_code == 503, path
        assert response["Retry-After"]
    assert_held(half.get("/secret/"), "/secret/")
    assert verified.get("/secret/").content == b"secret of alice"
    settings.CACHES = working


def test_a_84_forgotten_scripts_are_loaded_again(half: Client) -> None:
    """As after a restart: the user notices nothing."""
    code = open_page(half)
    store.client("default").script_flush()
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_85_what_redis_forgets_opens_nothing(half: Client) -> None:
    """The code is gone, and a new one works."""
    code = open_page(half)
    store.client("default").flushall()
    half.post(VERIFY, {"code": code})
    assert_held(half.get("/secret/"), "/secret/")
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


def test_a_88_the_site_s_own_cache_forges_nothing(half: Client) -> None:
    """Whatever it writes under whatever name, in the same cache; emptied, it costs a new code."""
    code = open_page(half)
    redis = store.client("default")
    for key in redis.keys("*"):
        cache.set(str(key), "forged")
        cache.set(str(key), {"c": code}, version="")
    assert half.post(VERIFY, {"code": "000000"}).status_code == 200
    cache.clear()
    assert half.post(VERIFY, {"code": code}).status_code == 200
    assert_held(half.get("/secret/"), "/secret/")


def test_a_89_ignored_exceptions_open_nothing(settings: Any, half: Client) -> None:
    """django-redis may be told to swallow errors: the gate does not go by it."""
    code = open_page(half)
    settings.DJANGO_REDIS_IGNORE_EXCEPTIONS = True
    settings.CACHES = {
        "default": {**NO_REDIS["default"], "OPTIONS": {"IGNORE_EXCEPTIONS": True}}  # type: ignore[dict-item]
    }
    assert half.post(VERIFY, {"code": code}).status_code == 503
    assert_held(half.get("/secret/"), "/secret/")


@pytest.mark.parametrize("kind", ["dummy.DummyCache", "locmem.LocMemCache"])
def test_a_89_a_cache_of_another_kind_is_an_error(settings: Any, half: Client, kind: str) -> None:
    """The check says so; the page of a site that runs all the same says 503, and stays shut."""
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{kind}"}}
    with pytest.raises(SystemCheckError, match=r"otp_gate\.E"):
        call_command("check")
    assert half.get(VERIFY).status_code == 503
    assert_held(half.get("/secret/"), "/secret/")
