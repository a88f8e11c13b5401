"""Tenants as packages for them have it: a middleware sets the tenant, the key function reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django_redis.cache import RedisCache

CURRENT: ContextVar[str] = ContextVar("tenant")


@contextmanager
def tenant(name: str) -> Iterator[None]:
    """Act for a tenant, as `manage.py tenant_command` does."""
    token = CURRENT.set(name)
    try:
        yield
    finally:
        CURRENT.reset(token)


class TenantMiddleware:
    """Takes the tenant from a header; a package takes it from the host."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self.acall(request)
        with tenant(request.headers["x-tenant"]):
            return self.get_response(request)

    async def acall(self, request: HttpRequest) -> Any:
        with tenant(request.headers["x-tenant"]):
            return await self.get_response(request)


class TenantRouter:
    """Reads and writes the database of the tenant in force."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return None

    db_for_write = db_for_read


def key_of_tenant(key: str, prefix: str, version: int) -> str:
    """Make a key of the tenant in force; fails where there is none."""
    return f"{CURRENT.get()}:{prefix}:{version}:{key}"


def bare_key(key: str, prefix: str, version: int) -> str:
    """Put the prefix before a key, with nothing between them."""
    return f"{prefix}{key}"


def key_with_braces(key: str, prefix: str, version: int) -> str:
    return f"{{{prefix}}}:{version}:{key}"


def key_of_bytes(key: str, prefix: str, version: int) -> bytes:
    return key.encode()


def hashed_key(key: str, prefix: str, version: int) -> str:
    """Keep nothing of the key, so that Redis shows no names."""
    from hashlib import sha256

    return sha256(f"{prefix}:{version}:{key}".encode()).hexdigest()


class CacheOfTenants(RedisCache):
    """A cache that makes its keys itself."""

    def make_key(self, key: str, version: int | None = None) -> str:
        return f"tenant:{super().make_key(key, version)}"
