"""Looks again, while a socket or a stream is open, whether who was let in would be let in now.

Each look reads the session from its store and the user as Django's `get_user` does, and changes
neither; `doors` decides.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.db import close_old_connections
from django.http import HttpRequest

from otp_gate import session
from otp_gate.conf import gate_config
from otp_gate.django_internals import unwrapped
from otp_gate.doors import WATCHED, Door, Glimpse, Look, Word, failed, reloaded, show, told
from otp_gate.evaluation import FAULTS
from otp_gate.identity import user_id_of
from otp_gate.state import GateState

HELD = ("shut", "unknown")
"""What ends a connection."""

FRESH = 1.0
"""For so long (seconds) a look holds for what goes out."""


def check_interval(interval: object) -> None:
    """Accept a positive number of seconds.

    Raises:
        ValueError: it is none.
    """
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not interval > 0:
        raise ValueError("interval must be a positive number of seconds")


class Watch:
    """Whether somebody who was let in is still there, in a session that still lets him in.

    Args:
        request: what the policy is asked with; each look takes a copy, with what it has read.
        kept: the session of the request or the scope; or the key that came in a cookie.
    """

    user_id: str | None = None
    """Who was let in as himself; None for a stranger, who has nothing to lose."""
    login: str | None = None
    """Whom the session names."""
    outsider: Any = None
    """Who was let in by a token, or in another's place, and not by this session."""
    looked = 0.0
    """When the last look began, by `time.monotonic`."""
    login_word: Word | None = None
    """What was decided about a login inside the connection."""
    may_answer = False
    """True where the user of such a login is hidden, so that the answer to it may go out."""

    def __init__(self, request: HttpRequest, kept: Any) -> None:
        self.request = request
        self.kept = unwrapped(kept)
        self.door = Door()
        self.entries = self.own_entries()

    def begin(self) -> None:
        """Go on from what the gate has decided about an HTTP request."""
        self.looked = time.monotonic()
        state: GateState = self.request.otp_gate  # type: ignore[attr-defined]
        self.remember(state, session.loaded(self.kept), self.request.user)

    async def abegin(self, user: Any, *, by_own: bool = False) -> Word:
        """Decide about a connection; `user` is whom others put into its scope, or None.

        Args:
            by_own: by the session of the scope, where it has been loaded already. A middleware in
                front may have logged in without a save; and it spares a query.
        """
        loaded = by_own and self.own_data() is not session.NOTHING
        word, state, data = await self.alook(user, loaded)
        if state is not None:
            self.remember(state, data, user)
        return word

    def remember(self, state: GateState, data: Mapping[str, Any], user: Any) -> None:
        self.login = data.get(session.LOGIN)
        if state.status in WATCHED:
            self.user_id = state.user_id
            self.outsider = user if self.user_id != self.login else None

    def begin_login(self, user: Any) -> None:
        """Decide about a user who logs in inside the connection, by the password alone.

        No mark counts, and nobody takes over the connection of another user. Whether the session
        has been saved yet does not matter.
        """
        user_id = user_id_of(user)
        data = {**self.own_data(), session.LOGIN: user_id}
        data.pop(session.MARKS, None)
        fresh = self.request_with(None, data)
        show(fresh, user)
        try:
            word = told(self.door.evaluate(fresh), fresh, data)[0]
        except Exception as error:
            word = failed(error)[0]
        if word in WATCHED and self.user_id not in (None, user_id):
            word = "shut"
        self.login_word, self.login, self.outsider = word, user_id, None
        self.user_id = user_id if word in WATCHED else None

    def own_data(self) -> Mapping[str, Any]:
        """Return the data of the session that the connection itself uses, if it is loaded."""
        return session.loaded(self.kept) if isinstance(self.kept, SessionBase) else session.NOTHING

    def own_entries(self) -> tuple[Any, Any]:
        """Return what of that data says who is logged in, and who is verified."""
        data = self.own_data()
        return data.get(session.LOGIN), data.get(session.MARKS)

    def ended(self) -> Word | None:
        """Return None as long as it may go on; else "shut", or "unknown" where nobody can say."""
        has_changed = self.has_changed()
        return None if self.goes_on() else self.verdict(*self.look(has_changed)[:2])

    async def aended(self) -> Word | None:
        """See `ended`; only an async connection notes its logins by `begin_login`."""
        if self.is_held():
            return self.login_word
        has_changed = self.has_changed()
        return None if self.goes_on() else self.verdict(*(await self.alook(None, has_changed))[:2])

    def is_held(self) -> bool:
        """Return True after a login inside the connection that the gate does not let pass."""
        return self.login_word in HELD and not self.may_answer

    def has_changed(self) -> bool:
        """Return True if the connection itself logged in or out since the last look.

        Its session need not be saved yet, so that a look at the store would not see it.
        """
        return self.own_entries() != self.entries

    def is_stale(self) -> bool:
        """True if the last look is too old for what is to go out."""
        return (
            time.monotonic() - self.looked > FRESH
            or self.is_held()
            # After a log-out an app may still say good-bye.
            or (self.has_changed() and session.LOGIN in self.own_data())
        )

    def goes_on(self) -> bool:
        """True without a look: the gate only reports, or a stranger is still one.

        Whoever logs in while he is connected (`channels.auth.login`) is none any more.
        """
        login = self.own_data().get(session.LOGIN)
        if self.user_id is None and self.has_changed() and login != self.login:
            self.user_id = self.login = login
        self.entries = self.own_entries()
        if self.user_id is not None and gate_config().mode == "enforce":
            return False
        self.looked = time.monotonic()
        return True

    def verdict(self, word: Word, state: GateState | None) -> Word | None:
        if word == "unknown":
            return word
        same = state is not None and state.user_id == self.user_id
        return None if same and word in WATCHED else "shut"

    # The two shells of a look. Where the database fails they look twice: between requests Django
    # drops a connection that has died, and here there are none.

    def look(self, by_own: bool = False) -> Look:
        """Decide anew: the word, and what it rests on.

        Args:
            by_own: by the session as the connection itself has it, and not as it is stored.
        """
        self.looked = time.monotonic()
        try:
            return self.look_once(by_own)
        except FAULTS:
            close_old_connections()
        except Exception as error:
            return failed(error)
        try:
            return self.look_once(by_own)
        except Exception as error:
            return failed(error)

    async def alook(self, given: Any = None, by_own: bool = False) -> Look:
        """See `look`; `given` is somebody who need not be loaded."""
        self.looked = time.monotonic()
        try:
            return await self.alook_once(given, by_own)
        except FAULTS:
            await sync_to_async(close_old_connections)()
        except Exception as error:
            return failed(error)
        try:
            return await self.alook_once(given, by_own)
        except Exception as error:
            return failed(error)

    def look_once(self, by_own: bool) -> Look:
        store = self.store()
        data = self.own_data() if by_own else session.read(store)
        fresh = self.request_with(store.session_key, data)
        user = auth.get_user(fresh) if self.outsider is None else reloaded(self.outsider)
        show(fresh, user)
        return told(self.door.evaluate(fresh), fresh, data)

    async def alook_once(self, given: Any, by_own: bool) -> Look:
        """See `look_once`."""
        store = self.store()
        data = self.own_data() if by_own else await session.aread(store)
        fresh = self.request_with(store.session_key, data)
        if given is not None:
            user = given
        elif self.outsider is not None:
            user = await sync_to_async(reloaded)(self.outsider)
        else:
            user = await auth.aget_user(fresh)
        show(fresh, user)
        return told(await self.door.aevaluate(fresh), fresh, data)

    def store(self) -> Any:
        """Return the session anew, unread. Its key may have been cycled by whoever is inside."""
        if isinstance(self.kept, SessionBase):
            return self.kept.__class__(self.kept.session_key)
        return import_module(settings.SESSION_ENGINE).SessionStore(self.kept)

    def request_with(self, key: str | None, data: Mapping[str, Any]) -> HttpRequest:
        fresh = copy.copy(self.request)
        fresh.resolver_match = self.request.resolver_match  # Which no copy takes along.
        fresh.session = Glimpse(key, data)
        return fresh
