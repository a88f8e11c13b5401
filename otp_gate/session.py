"""The only module that knows the session keys: who is half-authenticated, who is verified.

Two entries. MARKS is `{user id: [when, factor]}`: the users whose code was typed in within this
login (more than one only where a middleware lends a verified user another identity). PENDING is
`[nonce, since, step-up]`: the challenge that this session waits for. Both die with the session,
and `user_logged_in` replaces them, so neither survives into another login.

Times are this process's clock in seconds: they bound how long a session may wait or stay
verified, which no Redis may be asked about on an ordinary request. Codes live by Redis's clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils.functional import SimpleLazyObject

from otp_gate import codes
from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable

MARKS = "_otp_gate_verified"
PENDING = "_otp_gate_pending"

LOGIN = SESSION_KEY
"""Django's own entry: the id of the user who logged in."""

NOTHING: Mapping[str, Any] = {}
DJANGO_AUTH = "django.contrib.auth.middleware"
_peek = object.__getattribute__


class Mark(NamedTuple):
    """When (seconds since the epoch) and by which factor a user was verified."""

    at: float
    factor: str


class Pending(NamedTuple):
    """The challenge that a session waits for; `since` in seconds since the epoch."""

    nonce: str
    since: float
    step_up: bool


def read(session: Any) -> Mapping[str, Any]:
    """Return the session's data, loaded if a session came with the request, leaving no trace.

    Raises:
        StoreUnavailable: the session engine failed, in whatever way engines do.

    `accessed` is put back, or SessionMiddleware would add `Vary: Cookie` to a page that never
    looked; what a stale key changes is put back too, or it would delete or renew the cookie.
    """
    data: Mapping[str, Any] | None = session.__dict__.get("_session_cache")
    if data is not None:
        return data
    if session.session_key is None:
        return NOTHING
    before = session.session_key, session.modified, session.accessed
    with readable():
        data = session._get_session()
    return _untouched(session, data, *before)


async def aread(session: Any) -> Mapping[str, Any]:
    """See `read`."""
    data: Mapping[str, Any] | None = session.__dict__.get("_session_cache")
    if data is not None:
        return data
    if session.session_key is None:
        return NOTHING
    before = session.session_key, session.modified, session.accessed
    with readable():
        data = await session._aget_session()
    return _untouched(session, data, *before)


@contextmanager
def readable() -> Iterator[None]:
    """Turn every fault of a session engine (a database, a cache, a disk) into one exception."""
    try:
        yield
    except Exception as error:
        raise StoreUnavailable(f"session ({type(error).__name__})") from error


def _untouched(
    session: Any, data: Mapping[str, Any], key: str, modified: bool, accessed: bool
) -> Mapping[str, Any]:
    session.accessed = accessed
    stale = session.session_key, session.modified
    if stale != (key, modified):
        session._session_key, session.modified = key, modified
        del session._session_cache
        _answer_again(session, *stale)
    return data


def _answer_again(session: Any, key: str | None, modified: bool) -> None:
    """Let whoever looks at a stale session find what the gate found, with no second query.

    It is that look which makes Django delete the cookie, as it does without a gate.
    """

    def load() -> dict[str, Any]:
        session._session_key = key
        session.modified = session.modified or modified
        return {}

    async def aload() -> dict[str, Any]:
        return load()

    session.load, session.aload = load, aload


@contextmanager
def unnoticed(request: HttpRequest) -> Iterator[None]:
    """Let the gate look at `request.user`, leaving no trace where no session was looked at before.

    The user is promised anew: a view that looks at him must still be one that looked at the
    session, or a cache would keep his page for everybody (no `Vary: Cookie`).
    """
    session = request.session
    accessed = session.accessed
    try:
        yield
    finally:
        if session.accessed and not accessed:
            session.accessed = False
            promise(request, request.user)


def promise(request: HttpRequest, user: Any) -> None:
    """Let whoever looks at `request.user` see this one, and have looked at the session by it."""

    def look() -> Any:
        request.session.accessed = True
        return user

    async def auser() -> Any:
        return look()

    request.user, request.auser = SimpleLazyObject(look), auser  # type: ignore[assignment]


def loaded(session: Any) -> Mapping[str, Any]:
    """Return the session's data if somebody has loaded it, and nothing otherwise."""
    return session.__dict__.get("_session_cache", NOTHING)  # type: ignore[no-any-return]


def user_id_of(user: Any) -> str:
    """Return the primary key of a user as `login` writes it into the session."""
    meta = getattr(user, "_meta", None)
    return str(user.pk if meta is None else meta.pk.value_to_string(user))


def identity(request: HttpRequest, data: Mapping[str, Any]) -> str | None:
    """Return the id of the user whom a view would see, or None for nobody.

    As long as `request.user` is the untouched promise of Django's AuthenticationMiddleware, the
    session says who that will be, and nobody is loaded. Anything else (a token, an
    impersonation, a user who has been looked at already) is asked for its primary key.
    """
    user: Any = request.user
    if is_promise(user) and "_cached_user" not in request.__dict__:
        return data.get(LOGIN)
    with unnoticed(request):
        return user_id_of(user) if user.is_authenticated else None


def is_promise(user: Any) -> bool:
    """True for the lazy object that AuthenticationMiddleware leaves in `request.user`."""
    return type(user) is SimpleLazyObject and _peek(user, "_setupfunc").__module__ == DJANGO_AUTH


async def afamiliar(request: HttpRequest) -> None:
    """Load a lazy user that somebody else promised, where his loader may block."""
    user: Any = request.user
    if type(user) is SimpleLazyObject and not is_promise(user):
        with unnoticed(request):
            await sync_to_async(bool)(user)


async def auser(request: HttpRequest) -> Any:
    """Load `request.user`, and with it `request.auser`: one query, not two.

    Never the other way round: where they differ (before Django 6.1, `login` sets only the one), it
    is `request.user` whom nearly every view trusts.
    """
    if is_promise(request.user) and "_cached_user" not in request.__dict__:
        request._cached_user = await request.auser()  # type: ignore[attr-defined]
    return request.user


def is_older(since: float, ttl: int | None) -> bool:
    """True if `ttl` seconds have passed since then."""
    return ttl is not None and time.time() - since > ttl


def pending_of(data: Mapping[str, Any]) -> Pending | None:
    """Return the challenge that this session waits for."""
    entry = data.get(PENDING)
    return Pending(*entry) if entry else None


def lacks_pending(data: Mapping[str, Any]) -> bool:
    """True for a login that was there before the gate, or whose verification is too old.

    Not for a user whom no session logged in (a token): a session each time would serve nobody.
    """
    pending = pending_of(data)
    return LOGIN in data and (pending is None or pending.step_up)


def begin_login(session: Any, *, held: bool) -> None:
    """Make the session half-authenticated: what an earlier login proved is void.

    Its time runs from now if it is held, and otherwise from the first time that it is.
    """
    session.pop(MARKS, None)
    session.pop(PENDING, None)
    if held:
        begin(session)


def begin(session: Any, *, step_up: bool = False) -> Pending:
    """Let the session wait for a challenge of its own, keeping its marks.

    A step-up that is on its way goes on: a second tab must not void the code of the first.
    """
    session._get_session()
    pending, is_new = _next_pending(session, step_up)
    if is_new:
        session[PENDING] = list(pending)
    return pending


async def abegin(session: Any, *, step_up: bool = False) -> Pending:
    """See `begin`."""
    await session._aget_session()
    pending, is_new = _next_pending(session, step_up)
    if is_new:
        await session.aset(PENDING, list(pending))
    return pending


def _next_pending(session: Any, step_up: bool) -> tuple[Pending, bool]:
    pending = pending_of(loaded(session))
    if pending is not None and step_up and is_stepping_up(pending):
        return pending, False
    return Pending(codes.new_nonce(), time.time(), step_up), True


def is_stepping_up(pending: Pending | None) -> bool:
    """True while a verified session is asked for another code."""
    return pending is not None and pending.step_up and is_waiting(pending)


def is_waiting(pending: Pending | None) -> bool:
    """True while there is a challenge that may still be met."""
    return pending is not None and not is_older(pending.since, gate_config().pending_ttl)


def set_verified(request: HttpRequest, user_id: str, factor: str) -> None:
    """Mark the session verified under a new key (ASVS 7.2.4), and rotate the CSRF token.

    The mark is set before the key is cycled, so that the new session is complete in its first
    save and the old key never names a verified one.
    """
    session = request.session
    session[MARKS] = {**session.get(MARKS, {}), user_id: [time.time(), factor]}
    session.pop(PENDING, None)
    session.cycle_key()
    rotate_token(request)
