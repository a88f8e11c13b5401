"""The only door to Redis: connections with bounds of their own, key names, and the scripts.

Every call is one script and one round trip. What a script decides is written above it, in `lua/`.

The client library is imported by whoever needs Redis first: most worker processes of a site whose
sessions are elsewhere never do, and it is larger than all of the gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.scripts import Script

TIMEOUT = 0.5
"""Seconds that one answer, or one connection, may take."""


def bounds() -> dict[str, Any]:
    """Return how long a connection of the gate may take, and how often it may try.

    redis-py by itself retries ten times with five seconds each, which holds a worker for a minute.
    One retry, for a connection that went stale in the pool; none after a timeout, so that a Redis
    that hangs costs TIMEOUT once. Every script may be run twice, see `lua/`.
    """
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.retry import Retry

    return {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        "retry_on_timeout": False,
        "retry_on_error": [],
        "health_check_interval": 0,
        "decode_responses": True,
    }


def errors() -> Any:
    """Return redis-py's module of exceptions; asked where one has been raised already."""
    from redis import exceptions

    return exceptions


def faults() -> tuple[type[Exception], ...]:
    """Return every way in which a Redis may fail."""
    return errors().RedisError, errors().RedisClusterException, OSError


def is_redis(cache_settings: Mapping[str, Any]) -> bool:
    """True if this entry of CACHES is served by django-redis, and names a server."""
    from django_redis.cache import RedisCache

    backend = cache_settings.get("BACKEND")
    found = import_string(backend) if backend else None
    served = isinstance(found, type) and issubclass(found, RedisCache)
    return served and bool(cache_settings.get("LOCATION"))


_open: list[tuple[Any, Any]] = []


@cache
def client(alias: str) -> Any:
    """Return a redis-py client for the server of the cache `alias`, with `bounds`.

    It is made by the connection factory that the project chose for that cache, but lives in a
    pool of its own: the cache's timeouts, retries, decoding and ignored exceptions are for data
    that may be lost.

    Raises:
        StoreUnavailable: the alias is missing, is not served by django-redis, or names no server.
    """
    from django_redis.cache import RedisCache
    from django_redis.pool import get_connection_factory

    cache_settings: Any = settings.CACHES.get(alias)
    if cache_settings is None:
        raise StoreUnavailable(f"CACHES has no alias {alias!r}")
    if not issubclass(import_string(cache_settings["BACKEND"]), RedisCache):
        raise StoreUnavailable(f"CACHES[{alias!r}] is not served by django-redis")
    options = dict(cache_settings.get("OPTIONS", {}))
    limits = bounds()
    options["CONNECTION_POOL_KWARGS"] = {**options.get("CONNECTION_POOL_KWARGS", {}), **limits}
    # The questions to the Sentinels go over connections of their own.
    asking = {name: limits[name] for name in ("socket_timeout", "socket_connect_timeout", "retry")}
    options["SENTINEL_KWARGS"] = {**options.get("SENTINEL_KWARGS", {}), **asking}
    options["SOCKET_TIMEOUT"] = options["SOCKET_CONNECT_TIMEOUT"] = TIMEOUT
    factory: Any = get_connection_factory(options=options)
    # The factory's pools are shared by URL in the whole process, with the cache's own bounds.
    factory._pools = {}
    location = cache_settings.get("LOCATION", "")
    servers = location.split(",") if isinstance(location, str) else location
    try:
        connection = connect(factory, servers)
    except (ValueError, IndexError):
        # Without the cause: its text may be the address, with the password.
        raise StoreUnavailable(f"CACHES[{alias!r}] has no usable LOCATION") from None
    pool = getattr(connection, "connection_pool", None)
    if pool is not None:
        # Again, after the query string of LOCATION, which overrides keyword arguments.
        pool.connection_kwargs.update(limits)
        if hasattr(pool, "timeout"):
            pool.timeout = TIMEOUT
    _open.append((factory, connection))
    return connection


def connect(factory: Any, servers: Sequence[str]) -> Any:
    """Connect to the first server; to the next where that needs an answer (a cluster's node)."""
    for server in servers[:-1]:
        with suppress(*faults()):
            return factory.connect(server)
    return factory.connect(servers[-1])


@contextmanager
def bounded() -> Iterator[Any]:
    """Give the client of the cache in force; every fault of Redis becomes one exception."""
    try:
        yield client(gate_config().cache)
    except faults() as error:
        raise StoreUnavailable(f"Redis ({type(error).__name__})") from error


def run(script: Script, keys: Sequence[str], args: Sequence[object]) -> Any:
    """Run a script in one round trip (two where the server does not know it yet).

    Raises:
        StoreUnavailable: whatever went wrong; the cause is chained.
    """
    digest, source = script.in_force()
    with bounded() as connection:
        try:
            return connection.evalsha(digest, len(keys), *keys, *args)
        except errors().NoScriptError:
            return connection.eval(source, len(keys), *keys, *args)


def run_for_user(script: Script, user: str, **given: object) -> Any:
    """Run a script on the record of one user, named by `codes.user_digest`. Raises as `run`."""
    return run(script, [record_key(user)], [json.dumps(given, separators=(",", ":"))])


def forget(key: str, fields: Sequence[str]) -> None:
    """Remove fields of what is kept for a user.

    Raises:
        StoreUnavailable: Redis did not do it.
    """
    with bounded() as connection:
        connection.hdel(key, *fields)


def remove(key: str) -> None:
    """Remove a key. Raises as `forget`."""
    with bounded() as connection:
        connection.delete(key)


def discount(key: str, *events: str) -> None:
    """Take events out of a window of the whole site. Raises as `forget`."""
    with bounded() as connection:
        connection.zrem(key, *events)


def ask(*command: str) -> Any:
    """Ask the server about itself; None where it does not say (managed servers forbid much).

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with bounded() as connection:
        try:
            return connection.execute_command(*command)
        except errors().ResponseError:
            return None


def address() -> str:
    """Return where the gate's Redis is, without a password; "" where the client does not say."""
    connection = client(gate_config().cache)
    if hasattr(connection, "get_default_node"):
        return f"{connection.get_default_node().name} (a node of the cluster)"
    pool: Any = getattr(connection, "connection_pool", None)
    known = getattr(pool, "connection_kwargs", {})
    if hasattr(pool, "service_name"):
        return f"{pool.service_name} (as the Sentinels know it)"
    if "path" in known:
        return str(known["path"])
    if "host" not in known:
        return ""
    return f"{known['host']}:{known.get('port', 6379)}/{known.get('db') or 0}"


def record_key(user: str) -> str:
    # In braces: whatever is added for this user later lies in the same slot of a cluster.
    return f"{gate_config().key_prefix}:{{{user}}}"


def kept_key(user: str) -> str:
    return f"{record_key(user)}:kept"


def destination_key(destination: str) -> str:
    return f"{gate_config().key_prefix}:{{{destination}}}:sends"


def site_key(name: str) -> str:
    return f"{gate_config().key_prefix}:{{site}}:{name}"


def _forget_clients(*, setting: str, **_: object) -> None:
    if setting == "CACHES":
        client.cache_clear()
        # Not left to the garbage collector, which warns of a socket that nobody has closed.
        while _open:
            factory, connection = _open.pop()
            factory.disconnect(connection)


setting_changed.connect(_forget_clients, dispatch_uid="otp_gate.store")
