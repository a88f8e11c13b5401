"""The only module that knows the session keys: who is half-authenticated, who is verified.

Four entries. MARKS is `{user id: [when, factor]}`: the users whose code was typed in within this
login (more than one only where a middleware lends a verified user another identity). PENDING is
`[nonce, since, step-up]` (and, after a fault of Redis, what was lost): the challenge that this
session waits for. KEPT is a request that goes on after the code (`saved.Kept`). FOLLOWED is
`[address, when]`: where the last code led. All die with the session, and `user_logged_in` takes
all but the last away.

Times are this process's clock in seconds: they bound how long a session may wait or stay
verified, which no Redis may be asked about on an ordinary request. Codes live by Redis's clock.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from otp_gate import codes
from otp_gate.conf import gate_config
from otp_gate.django_internals import aload_session, forget_session_data, load_session
from otp_gate.reading import NOTHING as NOTHING
from otp_gate.reading import aread as aread
from otp_gate.reading import loaded as loaded
from otp_gate.reading import read as read
from otp_gate.reading import readable as readable
from otp_gate.reading import unreadable as unreadable

MARKS = "_otp_gate_verified"
PENDING = "_otp_gate_pending"
KEPT = "_otp_gate_kept"
FOLLOWED = "_otp_gate_followed"

LOGIN = SESSION_KEY
"""Django's own entry: the id of the user who logged in."""

LOST_MAX = 20
MOMENTS = 1e11  # Seconds since the epoch that no clock tells any more.
AHEAD = 30  # Seconds that the clock of the worker that wrote a mark may be ahead of this one's.


class Mark(NamedTuple):
    """When (seconds since the epoch) and by which factor a user was verified."""

    at: float
    factor: str


class Pending(NamedTuple):
    """The challenge that a session waits for; `since` in seconds since the epoch."""

    nonce: str
    since: float
    step_up: bool
    lost: Sequence[str] = ()
    """Digests of codes that Redis may hold although nobody was sent them."""


def is_stale(mark: Sequence[Any], ttl: int | None) -> bool:
    """True if a mark is older than `ttl` seconds, or so far ahead that nobody knows how old."""
    return ttl is not None and not -AHEAD <= time.time() - mark[0] <= ttl


def is_shaped(entry: Any, kinds: Sequence[Any], optional: int = 0) -> TypeGuard[list[Any]]:
    """True for a list of these types, of which the last may be missing; else it counts as none."""
    fits = isinstance(entry, list) and len(kinds) - optional <= len(entry) <= len(kinds)
    return fits and all(map(isinstance, entry, kinds))


def marks_of(entry: Any) -> Mapping[Any, Any]:
    """Return the marks in the entry MARKS by user id, of whatever worth: see `mark_of`."""
    return entry if isinstance(entry, dict) else NOTHING


def mark_of(data: Mapping[str, Any], user_id: str | None) -> Any:
    """Return the entry of a user whose code was typed in within this login, however old it is."""
    if MARKS not in data:
        return None
    try:
        at, factor = mark = data[MARKS][user_id]
    except (KeyError, TypeError, ValueError):
        return None
    return mark if type(at) is float and 0 <= at < MOMENTS and type(factor) is str else None


def fresh_mark(data: Mapping[str, Any], user_id: str | None) -> Any:
    """Return the entry of a user whose code was typed in, if it is not too old."""
    mark = mark_of(data, user_id)
    if mark is None:
        return None
    ttl = gate_config().verified_ttl  # Looked at here: most sites have none, and are spared a call.
    return None if ttl is not None and is_stale(mark, ttl) else mark


def is_one(data: Mapping[str, Any], user_id: str | None, other: str | None) -> bool:
    """False where `request.auser` would show a view somebody else, who is not verified.

    A verified user who is lent another identity stays himself in `auser`, however old his mark is
    by then: he could not renew it under that other name.
    """
    if other is None:
        return True
    if user_id is None:
        return fresh_mark(data, other) is not None
    return mark_of(data, other) is not None


def keep(session: Any, entry: Sequence[Any] | None) -> None:
    """Let the session keep this, or nothing, in place of what it kept."""
    session.pop(KEPT, None)
    if entry is not None:
        session[KEPT] = list(entry)


def pending_of(data: Mapping[str, Any]) -> Pending | None:
    """Return the challenge that this session waits for."""
    entry = data.get(PENDING)
    return Pending(*entry) if is_shaped(entry, (str, float, bool, list), optional=1) else None


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
    for entry in (MARKS, PENDING, KEPT):
        session.pop(entry, None)
    if held:
        begin(session)


def keep_marks(session: Any, marks: Mapping[str, Any]) -> None:
    """Put back what was proved before this login; it then waits for nothing."""
    session[MARKS] = dict(marks)
    session.pop(PENDING, None)


def begin(session: Any, *, step_up: bool = False) -> Pending:
    """Let the session wait for a challenge of its own, keeping its marks.

    A step-up that is on its way goes on: a second tab must not void the code of the first. A new
    one keeps nothing of what was given up before: by now Redis may have forgotten it.
    """
    load_session(session)
    pending, is_new = _next_pending(session, step_up)
    if is_new:
        session.pop(KEPT, None)
        session[PENDING] = list(pending[:3])
    return pending


async def abegin(session: Any, *, step_up: bool = False) -> Pending:
    """See `begin`."""
    await aload_session(session)
    pending, is_new = _next_pending(session, step_up)
    if is_new:
        await session.apop(KEPT, None)
        await session.aset(PENDING, list(pending[:3]))
    return pending


def unloaded(session: Any) -> Any:
    """Return a copy of the session object that loads anew.

    Not `type(session)(key)`: django-qsessions and django-user-sessions are also given the browser
    and the address, and would store that there are none.
    """
    fresh = copy.copy(session)
    forget_session_data(fresh)
    for name in ("load", "aload"):
        fresh.__dict__.pop(name, None)
    return fresh


def note_lost(session: Any, nonce: str, digest: str) -> None:
    """Remember a code that Redis may hold although nobody was sent it, so that it is taken back."""
    with readable():
        # In a copy, for the answer will be a 503, of whose session Django saves nothing.
        saved = unloaded(session)
        pending = pending_of(saved)
        if pending is not None and pending.nonce == nonce:
            saved[PENDING] = [*pending[:3], [*pending.lost, digest][-LOST_MAX:]]
            saved.save()


def _next_pending(session: Any, step_up: bool) -> tuple[Pending, bool]:
    pending = pending_of(loaded(session))
    if pending is not None and step_up and is_stepping_up(pending):
        return pending, False
    return Pending(codes.new_nonce(), time.time(), step_up), True


def is_stepping_up(pending: Pending | None) -> bool:
    """True while a verified session is asked for another code."""
    return pending is not None and pending.step_up and is_waiting(pending)


def is_overdue(data: Mapping[str, Any]) -> bool:
    """True where the time to finish a login with its code is over."""
    pending = pending_of(data)
    return pending is not None and not pending.step_up and not is_waiting(pending)


def is_waiting(pending: Pending | None) -> bool:
    """True while there is a challenge that may still be met."""
    return pending is not None and time.time() - pending.since <= gate_config().pending_ttl


LOOP = 15
"""Seconds within which a login that followed on a code counts as the work of its `next`."""


def follow(session: Any, target: str, pending: Pending) -> str:
    """Return where a right code leads: `target`, or "" if following it logs in again.

    An address may log in by itself (a token in it, a link). Led there after each code, the user
    would type codes without end. So an address that was followed once, and on which a new login
    began at once, is not followed again.
    """
    entry, session[FOLLOWED] = session.get(FOLLOWED), [target, time.time()]
    if pending.step_up or not is_shaped(entry, (str, float)) or entry[0] != target:
        return target
    return "" if 0 <= pending.since - entry[1] <= LOOP else target


def set_verified(request: HttpRequest, user_id: str, factor: str) -> str | None:
    """Mark the session verified under a new key (ASVS 7.2.4), and rotate the CSRF token.

    The mark is set before the key is cycled, so that the new session is complete in its first
    save and the old key never names a verified one.

    Returns:
        The old key: the caller sends `session_key_changed`.

    Raises:
        StoreUnavailable: the session engine failed, or the session has been verified meanwhile.
    """
    from otp_gate import cycle  # By the worker in which somebody is verified.

    session = request.session
    old_key = session.session_key
    with readable():
        session[MARKS] = {**marks_of(session.get(MARKS)), user_id: [time.time(), factor]}
        session.pop(PENDING, None)
        cycle.cycle_key_once(session)
    rotate_token(request)
    return old_key
