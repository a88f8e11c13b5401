"""The only door to Redis: its bounds, its faults, and what it never holds."""

from __future__ import annotations

import time
from typing import Any

import fakeredis
import pytest
from django.core.cache import cache
from django.test import Client
from django_redis.pool import ConnectionFactory
from redis.connection import BlockingConnectionPool

from otp_gate import store
from otp_gate.exceptions import StoreUnavailable
from otp_gate.site_limits import alarm
from tests.browsers import (
    ask_for_code,
    post_json,
    redis_at,
    redis_commands,
    refused_everywhere,
)
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    PASSWORD,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    log_in,
    open_page,
    pass_gate,
    wrong_code,
)

REDIS = "django_redis.cache.RedisCache"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


# Redis is wrongly configured: never fail-open


@pytest.mark.parametrize(
    "caches",
    [
        {"default": {"BACKEND": LOCMEM}},
        {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        {"default": {"BACKEND": LOCMEM}, "codes": {"BACKEND": REDIS, "LOCATION": "redis://h/0"}},
        {"default": {"BACKEND": REDIS}},
        {"default": {"BACKEND": REDIS, "LOCATION": ""}},
        {"default": {"BACKEND": REDIS, "LOCATION": []}},
        {"default": {"BACKEND": REDIS, "LOCATION": "redis.example.org"}},
        {"default": {"BACKEND": REDIS, "LOCATION": "http://redis.example.org/"}},
        {"default": {"BACKEND": REDIS, "LOCATION": "redis://:geheim@h:port/0"}},
    ],
)
def test_a_cache_that_is_no_redis_shuts_the_gate(
    held: Any, settings: Any, caches: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A cache that may forget or that each worker has for itself counts nothing (A-89)."""
    settings.CACHES = caches
    refused_everywhere(held)
    assert "geheim" not in caplog.text


def test_a_missing_alias_shuts_the_gate(held: Any, settings: Any) -> None:
    """CACHE names what is not there."""
    settings.OTP_GATE = {"CACHE": "elsewhere"}
    refused_everywhere(held)


def test_ignored_exceptions_are_not_ignored(held: Any, settings: Any) -> None:
    """What django-redis may swallow for a cache would let guesses go uncounted."""
    settings.DJANGO_REDIS_IGNORE_EXCEPTIONS = True
    settings.CACHES = redis_at(1, OPTIONS={"IGNORE_EXCEPTIONS": True})
    cache.set("swallowed", 1)
    refused_everywhere(held)


@pytest.mark.parametrize(
    "options",
    [
        {"SOCKET_TIMEOUT": 60, "SOCKET_CONNECT_TIMEOUT": 60},
        {"CONNECTION_POOL_KWARGS": {"socket_timeout": None, "retry_on_timeout": True}},
        {"CONNECTION_POOL_KWARGS": {"decode_responses": False, "health_check_interval": 1}},
        {"CONNECTION_POOL_CLASS": "redis.BlockingConnectionPool"},
        {
            "CONNECTION_POOL_CLASS": "redis.connection.BlockingConnectionPool",
            "CONNECTION_POOL_KWARGS": {"timeout": 60, "max_connections": 1},
        },
        {"REDIS_CLIENT_KWARGS": {"socket_timeout": 60}},
    ],
    ids=str,
)
@pytest.mark.parametrize("query", ["", "?socket_timeout=60&socket_connect_timeout=60&db=3"])
def test_the_bounds_are_our_own_whatever_the_cache_says(
    settings: Any, options: dict[str, Any], query: str
) -> None:
    """0.5 seconds and at most one retry, never the cache's, by options or by its address."""
    settings.CACHES = {
        "default": {
            "BACKEND": REDIS,
            "LOCATION": f"redis://127.0.0.1:1/0{query}",
            "OPTIONS": options,
        }
    }
    pool = store.client("default").connection_pool
    connection = pool.connection_class(**pool.connection_kwargs)
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (0.5, 0.5)
    assert connection.retry.get_retries() <= 1
    assert connection.encoder.decode_responses is True
    assert connection.health_check_interval == 0
    if isinstance(pool, BlockingConnectionPool):
        assert pool.timeout == 0.5
    start = time.perf_counter()
    with pytest.raises(StoreUnavailable):
        alarm("1", 1, 60)
    assert time.perf_counter() - start < 1


@pytest.mark.one_server
def test_a_changed_setting_leaves_no_connection_behind(half: Client, settings: Any) -> None:
    """A test of a project that sets CACHES anew is not warned of the sockets of the one before."""
    open_page(half)
    before = store.client("default").connection_pool
    assert any(connection._sock for connection in before._available_connections)
    settings.CACHES = redis_at(1)
    assert not any(connection._sock for connection in before._available_connections)


@pytest.mark.one_server
def test_the_caches_own_pool_keeps_its_bounds(half: Client, settings: Any) -> None:
    """The gate changes nothing about the project's cache."""
    open_page(half)
    pool = cache.client.get_client().connection_pool
    assert pool is not store.client("default").connection_pool
    assert pool.connection_kwargs.get("socket_timeout") is None
    assert not pool.connection_kwargs.get("decode_responses")


def test_the_sentinels_are_asked_with_the_same_bounds(settings: Any) -> None:
    """They are other servers, on connections of their own; redis-py asks them for seconds."""
    options = {
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": [("127.0.0.1", 1)],
        "SENTINEL_KWARGS": {"socket_timeout": 60},
    }
    place = {"BACKEND": REDIS, "LOCATION": "redis://primary/0", "OPTIONS": options}
    settings.CACHES = {"default": place}
    start = time.perf_counter()
    with pytest.raises(StoreUnavailable):
        alarm("1", 1, 60)
    assert time.perf_counter() - start < 3


@pytest.mark.one_server
@pytest.mark.parametrize(
    "location", ["{0},redis://127.0.0.1:1/0", ["{0}", "redis://127.0.0.1:1/0"]]
)
def test_of_several_servers_the_first_is_the_primary(
    half: Client, settings: Any, location: Any
) -> None:
    """django-redis writes to the first; replicas count nothing."""
    default = settings.CACHES["default"]
    own = default["LOCATION"]
    many = (
        location.format(own)
        if isinstance(location, str)
        else [item.format(own) for item in location]
    )
    settings.CACHES = {"default": {**default, "LOCATION": many}}
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


class NoPool:
    """A client without one pool of connections, as that of a cluster is."""

    def __init__(self, client: Any) -> None:
        self.evalsha, self.eval = client.evalsha, client.eval
        self.flushall, self.close = client.flushall, client.close


class ClusterLike(ConnectionFactory):
    """A connection factory of the project's own."""

    def connect(self, url: str) -> Any:
        return NoPool(super().connect(url))

    def disconnect(self, connection: Any) -> None:
        connection.close()


@pytest.mark.one_server
def test_the_connection_factory_is_the_projects(half: Client, settings: Any) -> None:
    """What django-redis is told to connect with, the gate connects with."""
    settings.DJANGO_REDIS_CONNECTION_FACTORY = f"{__name__}.ClusterLike"
    settings.CACHES = {**settings.CACHES}
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
    assert isinstance(store.client("default"), NoPool)


def test_a_cleared_cache_costs_a_new_code(half: Client) -> None:
    """`cache.clear()` or a restart without a file: the code is gone, a new one works (A-85)."""
    code = open_page(half)
    store.client("default").flushall()
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "invalid"
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


def test_a_restarted_server_has_forgotten_the_scripts(held: Any) -> None:
    """SCRIPT FLUSH between any two steps is not noticed by anybody (A-84)."""
    code = open_page(held)
    for step in ("GET", "wrong", "right"):
        store.client("default").script_flush()
        if step == "GET":
            assert held.get(VERIFY).status_code == 200
        elif step == "wrong":
            assert held.post(VERIFY, {"code": wrong_code()}).status_code == 200
        else:
            assert held.post(VERIFY, {"code": code}).status_code == 302


def test_each_step_is_one_round_trip(half: Client, settings: Any) -> None:
    """One to issue, one to verify; two for a wrong code, which is counted for the alarm."""
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
    half.post(VERIFY, {"code": open_page(half)})
    log_in(half)
    open_page(half)
    half.post(VERIFY, {"code": wrong_code()})
    half.get(VERIFY, headers=JSON)
    for act, expected in (
        (lambda: half.get(VERIFY), 1),
        (lambda: half.post(RESEND), 1),
        (lambda: half.get(VERIFY, headers=JSON), 1),
        (lambda: half.post(VERIFY, {"code": wrong_code()}), 2),
        (lambda: half.post(VERIFY, {"code": last_code()}), 1),
        (lambda: half.get("/secret/"), 0),
    ):
        with redis_commands() as seen:
            act()
        assert seen == ["EVALSHA"] * expected


def test_a_second_prefix_is_a_second_world(half: Client, settings: Any) -> None:
    """Two sites may share a Redis."""
    code = open_page(half)
    settings.OTP_GATE = {"KEY_PREFIX": "other"}
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "invalid"
    ask_for_code(half)
    keys = store.client("default").keys("*")
    assert {key.split(":")[2] for key in keys} == {"otp_gate", "other"}


# What Redis holds


def everything_in_redis() -> dict[str, Any]:
    redis = store.client("default")
    readers = {"hash": redis.hgetall, "zset": lambda key: redis.zrange(key, 0, -1)}
    return {key: readers.get(redis.type(key), redis.get)(key) for key in redis.scan_iter("*")}


def test_redis_holds_no_secret_and_no_name(half: Client, alice: Any, settings: Any) -> None:
    """No code, password, address, user id or session key is in a key or a value (A-105)."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (100, 60), "ALARM": (1, 60), "RESEND_COOLDOWN": 0}
    alice.delete()
    alice = type(alice)(pk=987654321, username="alice", email="alice@example.org")
    alice.set_password(PASSWORD)
    alice.save()
    half = Client()
    log_in(half)
    nonce = half.session["_otp_gate_pending"][0]
    for _ in range(3):
        ask_for_code(half)
        half.post(VERIFY, {"code": wrong_code()})
    dump = str(everything_in_redis())
    assert dump.count("{") > 3
    secrets = [
        last_code(),
        wrong_code(),
        alice.password,
        alice.email,
        "alice",
        str(alice.pk),
        nonce,
    ]
    for secret in [*secrets, half.cookies["sessionid"].value, "correct horse"]:
        assert secret not in dump


def test_every_key_has_an_end(half: Client, bob: Any, settings: Any) -> None:
    """Nothing stays in Redis for ever: also after locks, stops, disowning and the alarm."""
    settings.OTP_GATE = {
        "GLOBAL_SENDS": (100, 60),
        "ALARM": (4, 60),
        "CODE_ATTEMPTS": 20,
        "FAILURES": {"lock_after": 3, "lock_max": 999_999, "stop": 3},
    }
    redis = store.client("default")

    def ends() -> list[int]:
        return [redis.ttl(key) for key in redis.scan_iter("*")]

    ask_for_code(half)
    token = disown_link().split("token=")[1]
    assert max(ends()) == 999_999
    half.post(VERIFY, {"code": wrong_code()})
    assert 0 < min(ends())
    assert max(ends()) == 2 * 366 * 86_400
    for _ in range(2):
        half.post(VERIFY, {"code": wrong_code()})
    assert max(ends()) == 10 * 366 * 86_400
    Client().post(DISOWN, {"token": token})
    other = Client()
    pass_gate(other, "bob")
    log_in(Client(), "bob")
    half = Client()
    log_in(half, "bob")
    half.post(VERIFY, {"code": wrong_code()})
    half.post(CANCEL)
    assert len(ends()) >= 3
    assert 0 < min(ends())


def test_nobody_who_only_looks_writes(half: Client) -> None:
    """A poll, a page of the site, a log-in: no key is made."""
    half.get(VERIFY, headers=JSON)
    half.get("/secret/")
    half.head(VERIFY)
    post_json(half, VERIFY, {"code": "nonsense"})
    assert store.client("default").keys("*") == []


def test_an_alias_that_is_not_there_has_no_client() -> None:
    """The error names the alias, and not an address."""
    with pytest.raises(StoreUnavailable, match="CACHES has no alias 'nowhere'"):
        store.client("nowhere")


def test_all_keys_of_a_user_share_one_slot() -> None:
    """One hash tag, so that a script never crosses slots of a cluster."""
    assert store.record_key("x") == ":1:otp_gate:{x}"
    assert store.site_key("sends").startswith(":1:otp_gate:{site}:")
    assert store.site_key("alarm").startswith(":1:otp_gate:{site}:")


def test_the_fake_is_only_in_the_tests() -> None:
    """The package names the fake nowhere."""
    source = store.__loader__.get_source("otp_gate.store")  # type: ignore[union-attr]
    assert fakeredis.__name__ not in source
