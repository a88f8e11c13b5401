"""Read the session of a request as if the gate had not looked.

A session engine may do more in `load` than to load. Django's own engines clear a key that names
nothing; django-qsessions and django-user-sessions note a changed address or browser by setting
`modified`; django-user-sessions stores a new session for a key that names nothing. What the gate
finds is kept on the session object, and what `load` changed is undone and repeated when a view or a
middleware looks, so that the answer is the one that it would be without the gate.

The session's data comes first: where an engine gave data another key, that key stays, with the
cookie that follows from it. The browser would otherwise come back with a key that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from otp_gate.django_internals import (
    SESSION_DATA,
    aload_session,
    forget_session_data,
    load_session,
    set_session_data,
    set_session_key,
)
from otp_gate.exceptions import StoreUnavailable

NOTHING: Mapping[str, Any] = {}

SEEN = "_otp_gate_seen"
"""Where a session object keeps what the gate found, until somebody else looks."""

Before = tuple[str | None, bool, bool]


def read(session: Any) -> Mapping[str, Any]:
    """Return the session's data, loaded if a session came with the request, leaving no trace.

    Raises:
        StoreUnavailable: the session engine failed, in whatever way engines do.

    `accessed` is put back, or SessionMiddleware would add `Vary: Cookie` to a page that never
    looked.
    """
    data: Mapping[str, Any] | None = session.__dict__.get(SESSION_DATA)
    if data is not None:
        return data
    if (key := session.session_key) is None:
        return NOTHING
    if SEEN in session.__dict__:
        return loaded(session)
    modified, accessed = session.modified, session.accessed
    try:
        data = load_session(session)
        if session.session_key == key and session.modified == modified:
            session.accessed = accessed
        elif (orphan := _undo(session, data, (key, modified, accessed))) is not None:
            session.delete(orphan)
    except Exception as error:
        session.accessed = accessed
        raise unreadable(error) from error
    return data


async def aread(session: Any) -> Mapping[str, Any]:
    """See `read`."""
    data: Mapping[str, Any] | None = session.__dict__.get(SESSION_DATA)
    if data is not None:
        return data
    if (key := session.session_key) is None:
        return NOTHING
    if SEEN in session.__dict__:
        return loaded(session)
    modified, accessed = session.modified, session.accessed
    try:
        data = await aload_session(session)
        if session.session_key == key and session.modified == modified:
            session.accessed = accessed
        elif (orphan := _undo(session, data, (key, modified, accessed))) is not None:
            await session.adelete(orphan)
    except Exception as error:
        session.accessed = accessed
        raise unreadable(error) from error
    return data


def loaded(session: Any) -> Mapping[str, Any]:
    """Return the session's data if it has been loaded, and nothing otherwise."""
    data: Mapping[str, Any] | None = session.__dict__.get(SESSION_DATA)
    return session.__dict__.get(SEEN, NOTHING) if data is None else data


@contextmanager
def readable() -> Iterator[None]:
    """Turn every fault of a session engine (a database, a cache, a disk) into one exception."""
    try:
        yield
    except Exception as error:
        raise unreadable(error) from error


def unreadable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"session ({type(error).__name__})")


def _undo(session: Any, data: Mapping[str, Any], before: Before) -> str | None:
    """Undo what `load` changed on the session object, to be repeated at the next look.

    Returns:
        The key of an empty session that the engine stored in place of one that is gone, or None.
        The caller deletes that session: a program that repeats a stale cookie on pages that never
        look would otherwise fill the store. The next look stores another.
    """
    key, modified, accessed = before
    found_key, found_modified = session.session_key, session.modified
    moved = found_key != key
    if moved and data:  # Gone from the store under the old key, perhaps: the new one stands.
        return None
    session.accessed = accessed
    set_session_key(session, key)
    session.modified = modified
    forget_session_data(session)
    session.__dict__[SEEN] = data
    _load_once(session, data, found_key, found_modified, create=moved and found_key is not None)
    return found_key if moved else None


def _load_once(
    session: Any, data: Mapping[str, Any], key: str | None, modified: bool, *, create: bool
) -> None:
    """Let the next look find what the gate found, with no second query; then the engine again.

    It is that look which makes Django save the session or delete its cookie, as without a gate.

    Args:
        create: the engine stored an empty session, and is to store one again.
    """

    def restore() -> None:
        del session.load, session.aload
        session.modified = session.modified or modified
        if create:  # `create` may look at the session while it saves it.
            set_session_key(session, None)
            set_session_data(session, {})
        else:
            set_session_key(session, key)

    def load() -> Mapping[str, Any]:
        restore()
        if create:
            session.create()
        return data

    async def aload() -> Mapping[str, Any]:
        restore()
        if create:
            await session.acreate()
        return data

    session.load, session.aload = load, aload
