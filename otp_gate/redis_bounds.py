"""How each connection of the gate to Redis behaves, whatever the project's cache says.

`bounds` is given to the client library as options; it differs between the versions of redis-py.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from typing import Any

CACHES_OF_REPLIES = ("cache", "cache_config")
"""Options for client-side caching, which needs RESP3. No reply to the gate may be cached."""


def bounds(timeout: float) -> dict[str, Any]:
    """Return options that limit how long a connection may take, and how often it may try.

    redis-py by itself retries ten times with five seconds each, which blocks a worker for a minute.
    One retry, for a connection that went stale in the pool; none after a timeout, so that a Redis
    that hangs costs `timeout` once. Every script may be run twice, see `lua/`.

    Args:
        timeout: seconds for one answer, and for one connection.
    """
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.retry import Retry

    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        "retry_on_timeout": False,
        "retry_on_error": [],
        "health_check_interval": 0,
        "decode_responses": True,
        **silence(),
    }


@cache
def silence() -> dict[str, Any]:
    """Return options for a connection that asks the server nothing by itself.

    What is left: AUTH with a password, SELECT for another database than 0, TLS; a cluster's client
    also reads the map of the cluster, and Sentinels are asked for the primary.
    """
    from redis.connection import Connection

    quiet = handshake(parameters_of(Connection))
    with suppress(ImportError):  # redis-py 7 and newer
        from redis.maint_notifications import MaintNotificationsConfig

        # One notice of the server lifts the time limit of a connection to ten seconds.
        quiet["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return quiet


def handshake(parameters: Collection[str]) -> dict[str, Any]:
    """Return those options that a version of redis-py knows, and that shorten its handshake.

    RESP2 needs no HELLO, and the server can push nothing on it (redis-py 8 chooses RESP3). The name
    of the library (CLIENT SETINFO, twice) is of no use, and some proxies close on it.

    Args:
        parameters: names of the arguments of `redis.connection.Connection`.
    """
    names = ("driver_info",) if "driver_info" in parameters else ("lib_name", "lib_version")
    known = {"protocol": 2, **dict.fromkeys(names)}
    return {name: value for name, value in known.items() if name in parameters}


def parameters_of(connection: type) -> set[str]:
    """Return the names of all arguments of a class and of its bases."""
    return {
        name
        for base in connection.__mro__
        if "__init__" in vars(base)
        for name in inspect.signature(base.__init__).parameters  # type: ignore[misc]
    }
