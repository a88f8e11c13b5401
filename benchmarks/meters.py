"""Counters of what a request does to others: SQL, Redis, the session, threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

SQL, REDIS, SAVES, HOPS = "sql", "redis", "saves", "hops"


@contextmanager
def replaced(owner: Any, name: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Wrap a method for a while."""
    original = owner.__dict__[name]
    setattr(owner, name, wrap(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count what is done in the `with` block, in whatever thread."""
    from asgiref.sync import SyncToAsync
    from django.contrib.sessions.backends import cache, cached_db, db
    from django.db.backends.utils import CursorWrapper
    from redis.connection import AbstractConnection

    seen: Counter[str] = Counter()
    saving = [0]

    def counted(kind: str) -> Callable[[Any], Any]:
        def wrap(original: Any) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                seen[kind] += 1
                return original(*args, **kwargs)

            return call

        return wrap

    def saved(original: Any) -> Any:
        # The engine of both saves by the engine of the database: one save.
        def save(*args: Any, **kwargs: Any) -> Any:
            seen[SAVES] += not saving[0]
            saving[0] += 1
            try:
                return original(*args, **kwargs)
            finally:
                saving[0] -= 1

        return save

    def asaved(original: Any) -> Any:
        async def asave(*args: Any, **kwargs: Any) -> Any:
            seen[SAVES] += not saving[0]
            saving[0] += 1
            try:
                return await original(*args, **kwargs)
            finally:
                saving[0] -= 1

        return asave

    with ExitStack() as stack:
        stack.enter_context(replaced(CursorWrapper, "execute", counted(SQL)))
        # One packed command, or one pipeline, is one round trip.
        stack.enter_context(replaced(AbstractConnection, "send_packed_command", counted(REDIS)))
        stack.enter_context(replaced(SyncToAsync, "__call__", counted(HOPS)))
        for engine in (cache, cached_db, db):
            stack.enter_context(replaced(engine.SessionStore, "save", saved))
            stack.enter_context(replaced(engine.SessionStore, "asave", asaved))
        yield seen
