"""A new key for a session whose code was right, for one of all who ask at one moment."""

from __future__ import annotations

from typing import Any

from otp_gate.django_internals import delete_cached_session
from otp_gate.exceptions import StoreUnavailable


def cycle_key_once(session: Any) -> None:
    """Cycle the key; of all who do it at one moment, one goes on with a session.

    In a failover two Redis may each accept the same code, for what the one has consumed the other
    has not been told. The half-authenticated session is there once, and whoever ends it wins.
    """
    ended = []

    def delete(key: str) -> None:
        ended.append(end(session, key))

    session.delete = delete
    try:
        session.cycle_key()
    finally:
        del session.delete
    if False in ended:
        session.delete()
        # As if nothing had happened here: the browser keeps the cookie that the winner gave it.
        session.modified = False
        raise StoreUnavailable("session (ended meanwhile)")


def end(session: Any, key: str) -> bool:
    """Delete a session; True if it was there, for one caller only where the engine can tell."""
    from django.contrib.sessions.backends.cache import SessionStore as CacheStore
    from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

    if isinstance(session, DatabaseStore):
        there = bool(session.model.objects.filter(session_key=key).delete()[0])
    elif isinstance(session, CacheStore):
        there = delete_cached_session(session, key)
    else:
        there = bool(session.exists(key))
    if type(session) is not CacheStore:
        type(session).delete(session, key)  # From wherever else the engine keeps it.
    return there
