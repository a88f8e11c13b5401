"""A connection of the gate asks the server nothing by itself, and its time limit is the gate's own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.test import Client
from redis.connection import Connection

from otp_gate import redis_bounds, store
from otp_gate.exceptions import StoreUnavailable
from otp_gate.site_limits import alarm
from tests import servers
from tests.browsers import redis_at
from tests.helpers import VERIFY, log_in, open_page

REDIS = "django_redis.cache.RedisCache"

# What a version of redis-py takes, and what the gate gives it.
VERSIONS = {
    "8": ({"host", "protocol", "driver_info", "lib_name", "lib_version"}, {"driver_info"}),
    "5": ({"host", "protocol", "lib_name", "lib_version"}, {"lib_name", "lib_version"}),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_handshake_is_short_in_each_version_of_the_library(version: str) -> None:
    """RESP2, and no name of the library; an argument that is deprecated is not given."""
    known, silent = VERSIONS[version]
    assert redis_bounds.handshake(known) == {"protocol": 2} | dict.fromkeys(silent)


def test_library_that_knows_no_protocol_is_given_none() -> None:
    """redis-py 4 speaks RESP2 only, and tells no name."""
    assert redis_bounds.handshake({"host", "port"}) == {}


def test_library_of_this_environment_takes_all_that_it_is_given() -> None:
    """Each option is an argument of its connections."""
    assert set(redis_bounds.silence()) <= redis_bounds.parameters_of(Connection)


def asked(port: int, password: str = "") -> set[str]:
    """Return the names of all commands that a server was asked, but for this question."""
    options = redis_bounds.silence() | {"decode_responses": True, "password": password or None}
    with redis.Redis(port=port, **options) as client:
        return {name.removeprefix("cmdstat_") for name in client.info("commandstats")}


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "location", "expected"),
    [
        ([], "redis://127.0.0.1:{}/0", set()),
        ([], "redis://127.0.0.1:{}/0?protocol=3&client_name=", set()),
        ([], "redis://127.0.0.1:{}/3", {"select"}),
        (["--requirepass", "word"], "redis://:word@127.0.0.1:{}/0", {"auth"}),
    ],
    ids=["plain", "resp3", "database", "password"],
)
def test_new_connection_asks_for_nothing_but_the_script(
    settings: Any, options: list[str], location: str, expected: set[str]
) -> None:
    """No HELLO, no CLIENT SETINFO, no CLIENT MAINT_NOTIFICATIONS: one round trip, not five."""
    script = {"evalsha", "eval", "time"} | {
        "zrevrange",
        "zremrangebyscore",
        "zadd",
        "pexpire",
        "zcard",
    }
    with servers.redis_process(*options) as server:
        settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": location.format(server.port)}}
        alarm("1", 100, 60)
        password = "word" if "--requirepass" in options else ""
        assert asked(server.port, password) - script == expected
        settings.CACHES = {}


@pytest.mark.once
def test_story_behind_a_proxy_that_knows_no_handshake(settings: Any, half: Client) -> None:
    """As twemproxy, which closes the connection on HELLO and CLIENT."""
    names = ("HELLO", "CLIENT", "INFO", "CONFIG", "SELECT")
    renamed = [part for name in names for part in ("--rename-command", name, "")]
    with servers.redis_process(*renamed) as server:
        settings.CACHES = redis_at(server.port)
        log_in(half := Client())
        assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
        settings.CACHES = {}


class Maintained:
    """A stand-in for a server that tells of its maintenance, and then falls silent."""

    NOTICE = b">4\r\n$9\r\nMIGRATING\r\n:1\r\n:30\r\n*1\r\n$1\r\n1\r\n"
    HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.asked: list[str] = []
        self.over = threading.Event()

    def serve(self) -> None:
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rb") as stream:
            notices = b""
            while line := stream.readline():
                words = []
                for _ in range(int(line[1:])):
                    words.append(stream.read(int(stream.readline()[1:]) + 2)[:-2].decode())
                self.asked.append(" ".join(words[:2]) if words[0] == "CLIENT" else words[0])
                if words[0] == "EVALSHA":
                    connection.sendall(notices)
                    self.over.wait()  # It never answers.
                    return
                if words[0] == "HELLO":
                    connection.sendall(self.HELLO)
                else:
                    notices = self.NOTICE
                    connection.sendall(b"+OK\r\n")


@contextmanager
def maintained() -> Iterator[tuple[int, Maintained]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Maintained(listening)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1], server
        finally:
            server.over.set()
            thread.join()


@pytest.mark.once
def test_notice_of_maintenance_does_not_lift_the_time_limit(settings: Any) -> None:
    """redis-py 8 subscribes to such notices, and then waits ten seconds in place of half a one."""
    with maintained() as (port, server):
        settings.CACHES = redis_at(port)
        start = time.perf_counter()
        with pytest.raises(StoreUnavailable, match="TimeoutError"):
            alarm("1", 1, 60)
        assert time.perf_counter() - start < 5
        assert server.asked == ["EVALSHA"]
        settings.CACHES = {}


def test_replies_are_not_cached_in_the_client(settings: Any) -> None:
    """What the project's cache may do with RESP3; a reply about a code must be the server's."""
    from redis.cache import CacheConfig

    options = {"CONNECTION_POOL_KWARGS": {"protocol": 3, "cache_config": CacheConfig()}}
    settings.CACHES = redis_at(1, OPTIONS=options)
    kwargs = store.client("default").connection_pool.connection_kwargs
    assert kwargs["protocol"] == 2
    assert "cache_config" not in kwargs


# REDIS_TIMEOUT


def test_timeout_is_a_setting(settings: Any) -> None:
    """In force at once, and for the connection as for each answer."""
    settings.CACHES = redis_at(1)
    for value in (0.2, 3):
        settings.OTP_GATE = {"REDIS_TIMEOUT": value}
        known = store.client("default").connection_pool.connection_kwargs
        assert (known["socket_timeout"], known["socket_connect_timeout"]) == (value, value)


def test_gate_waits_as_long_as_the_setting_says(half: Client, settings: Any) -> None:
    """A server that accepts and says nothing: 503 for the page."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        settings.CACHES = redis_at(hole.getsockname()[1])
        settings.OTP_GATE = {"REDIS_TIMEOUT": 1.2}
        start = time.perf_counter()
        assert half.get(VERIFY).status_code == 503
        assert time.perf_counter() - start >= 1.2
