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


as_json = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: `json.dumps` makes an encoder for each call that names separators."""

_open: list[tuple[Any, Any]] = []


def client(alias: str) -> Any:
    """Return a redis-py client for the server of the cache `alias`, bounded by REDIS_TIMEOUT.

    Raises:
        StoreUnavailable: see `make_client`.
    """
    return make_client(alias, gate_config().redis_timeout)


@cache
def make_client(alias: str, timeout: float) -> Any:
    """Return a client for a cache with the bounds of `redis_bounds`.

    It is made by the connection factory that the project chose for that cache, but lives in a
    pool of its own: the cache's timeouts, retries, decoding and ignored exceptions are for data
    that may be lost.

    Raises:
        StoreUnavailable: the alias is missing, is not served by django-redis, or names no server.
    """
    from django_redis.cache import RedisCache
    from django_redis.pool import get_connection_factory

    from otp_gate import redis_bounds

    cache_settings: Any = settings.CACHES.get(alias)
    if cache_settings is None:
        raise StoreUnavailable(f"CACHES has no alias {alias!r}")
    if not issubclass(import_string(cache_settings["BACKEND"]), RedisCache):
        raise StoreUnavailable(f"CACHES[{alias!r}] is not served by django-redis")
    options = dict(cache_settings.get("OPTIONS", {}))
    limits = redis_bounds.bounds(timeout)
    options["CONNECTION_POOL_KWARGS"] = {**options.get("CONNECTION_POOL_KWARGS", {}), **limits}
    for name in redis_bounds.CACHES_OF_REPLIES:
        options["CONNECTION_POOL_KWARGS"].pop(name, None)
    # The questions to the Sentinels go over connections of their own.
    asking = {name: limits[name] for name in ("socket_timeout", "socket_connect_timeout", "retry")}
    asking |= redis_bounds.silence()
    options["SENTINEL_KWARGS"] = {**options.get("SENTINEL_KWARGS", {}), **asking}
    options["SOCKET_TIMEOUT"] = options["SOCKET_CONNECT_TIMEOUT"] = timeout
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
            pool.timeout = timeout
    _open.append((factory, connection))
    return connection


def connect(factory: Any, servers: Sequence[str]) -> Any:
    """Connect to the first server; to the next where that needs an answer (a cluster's node)."""
    for server in servers[:-1]:
        with suppress(*faults()):
            return factory.connect(server)
    return factory.connect(servers[-1])


@contextmanager
def bounded(alias: str | None = None) -> Iterator[Any]:
    """Give the client of a cache, CACHE if none is named; each fault becomes one exception."""
    try:
        yield client(alias or gate_config().cache)
    except faults() as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"Redis ({type(error).__name__})")


def run(
    script: Script, keys: Sequence[str], args: Sequence[object], alias: str | None = None
) -> Any:
    """Run a script in one round trip (two where the server does not know it yet).

    Raises:
        StoreUnavailable: whatever went wrong; the cause is chained.
    """
    digest, source = script.in_force()
    # As `bounded`, without the generator: each code asked for or answered passes here.
    try:
        connection = client(alias or gate_config().cache)
        try:
            return connection.evalsha(digest, len(keys), *keys, *args)
        except errors().NoScriptError:
            return connection.eval(source, len(keys), *keys, *args)
    except faults() as error:
        raise unavailable(error) from error


def run_for_user(script: Script, user: str, **given: object) -> Any:
    """Run a script on the record of one user, named by `codes.user_digest`. Raises as `run`."""
    return run(script, [record_key(user)], [as_json(given)])


def remove(key: str) -> None:
    """Remove a key.

    Raises:
        StoreUnavailable: Redis did not do it.
    """
    with bounded() as connection:
        connection.delete(key)


def discount(key: str, *events: str) -> None:
    """Take events out of a window of the whole site. Raises as `remove`."""
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
    """Return where the gate's Redis is, without a password; "" where the client does not say.

    Raises:
        StoreUnavailable: no node of a cluster answers.
    """
    with bounded() as connection:
        return address_of(connection)


def address_of(connection: Any) -> str:
    """See `address`; of a client."""
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
    return key_in_force(f"{{{user}}}")


def destination_key(destination: str) -> str:
    return key_in_force(f"{{{destination}}}:sends")


def site_key(name: str) -> str:
    return key_in_force(f"{{site}}:{name}")


def key_in_force(name: str) -> str:
    """Return the key of a name in the realm in force. Raises as `realms.key`."""
    from otp_gate import realms  # By the worker that needs Redis: most serve pages only.

    return realms.key(name)


def _forget_clients(*, setting: str, **_: object) -> None:
    if setting == "CACHES":
        make_client.cache_clear()
        # Not left to the garbage collector, which warns of a socket that nobody has closed.
        while _open:
            factory, connection = _open.pop()
            factory.disconnect(connection)


setting_changed.connect(_forget_clients, dispatch_uid="otp_gate.store")
