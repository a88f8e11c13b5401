"""Counters of what a request does to others: SQL, Redis, the session, threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.sessions.backends import cache, cached_db, db
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.browsers import redis_commands


@contextmanager
def thread_hops() -> Iterator[list[Any]]:
    """Collect the calls of `sync_to_async`."""
    seen: list[Any] = []
    original = SyncToAsync.__call__

    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(self)
        return await original(self, *args, **kwargs)

    SyncToAsync.__call__ = call  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        SyncToAsync.__call__ = original  # type: ignore[method-assign]


@contextmanager
def session_saves() -> Iterator[list[str]]:
    """Collect the saves of sessions; the engine of both stores saves once, in two places."""
    seen: list[str] = []
    saving: list[str] = []

    def counted(engine: Any) -> Any:
        original = engine.SessionStore.save

        def save(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not saving:
                seen.append(engine.__name__)
            saving.append(engine.__name__)
            try:
                return original(self, *args, **kwargs)
            finally:
                saving.pop()

        return save

    def acounted(engine: Any) -> Any:
        original = engine.SessionStore.asave

        async def asave(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not saving:
                seen.append(engine.__name__)
            saving.append(engine.__name__)
            try:
                return await original(self, *args, **kwargs)
            finally:
                saving.pop()

        return asave

    with pytest.MonkeyPatch.context() as patch:
        for engine in (cache, cached_db, db):
            patch.setattr(engine.SessionStore, "save", counted(engine))
            patch.setattr(engine.SessionStore, "asave", acounted(engine))
        yield seen


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count SQL statements and Redis commands by name, and "saves" of the session, in the block."""
    found: Counter[str] = Counter()
    with ExitStack() as stack:
        queries = stack.enter_context(CaptureQueriesContext(connection))
        commands = stack.enter_context(redis_commands())
        saves = stack.enter_context(session_saves())
        yield found
    found.update(query["sql"].split()[0] for query in queries)
    found.update(commands)
    if saves:
        found["saves"] = len(saves)
