"""The private names of Django's session objects are what the gate takes them for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from otp_gate import django_internals as internals

ENGINES = ("cache", "cached_db", "db", "file", "signed_cookies")


@pytest.fixture(params=ENGINES)
def stored(request: pytest.FixtureRequest, use_engine: Any, db: None) -> Any:
    """A session object with a key of a stored session, which has loaded nothing yet."""
    use_engine(request.param)
    engine = import_module(f"django.contrib.sessions.backends.{request.param}").SessionStore
    first = engine()
    first["colour"] = "blue"
    first.save()
    return engine(first.session_key)


async def aload(session: Any) -> Any:
    return await internals.aload_session(session)


@pytest.mark.parametrize("load", [internals.load_session, async_to_sync(aload)])
def test_a_session_is_loaded_without_access(stored: Any, load: Any) -> None:
    """`accessed` decides whether SessionMiddleware adds `Vary: Cookie`."""
    assert internals.SESSION_DATA not in stored.__dict__
    stored.accessed = False
    data = load(stored)
    assert data == {"colour": "blue"}
    assert stored.__dict__[internals.SESSION_DATA] is data
    # Django's own look sets it, and finds the same data.
    assert stored["colour"] == "blue"
    assert stored.accessed


def test_loaded_data_are_where_the_public_api_looks(stored: Any) -> None:
    assert stored["colour"] == "blue"
    assert stored.__dict__[internals.SESSION_DATA] == {"colour": "blue"}


def test_given_data_are_used_and_forgotten(stored: Any) -> None:
    internals.set_session_data(stored, {"colour": "red"})
    assert dict(stored.items()) == {"colour": "red"}
    internals.forget_session_data(stored)
    assert dict(stored.items()) == {"colour": "blue"}
    internals.forget_session_data(stored)
    internals.forget_session_data(stored)


def test_a_session_takes_another_key(stored: Any) -> None:
    internals.set_session_key(stored, "another-key")
    assert stored.session_key == "another-key"
    internals.set_session_key(stored, None)
    assert stored.session_key is None


def test_the_engine_of_the_cache_says_what_it_deleted(use_engine: Any) -> None:
    """Once, also where two callers delete the same session."""
    use_engine("cache")
    from django.contrib.sessions.backends.cache import SessionStore

    session = SessionStore()
    session.save()
    assert internals.delete_cached_session(session, session.session_key or "")
    assert not internals.delete_cached_session(session, session.session_key or "")
    assert not session.exists(session.session_key)
