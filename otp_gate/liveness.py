"""Looks again, while a socket or a stream is open, whether who was let in would be let in now.

The decision is the one of the gate for HTTP. Each look reads the session from its store and the
user as Django's `get_user` does, and changes neither: there is no answer that could carry a
new cookie.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse

from otp_gate import reports, session
from otp_gate.conf import GateConfig, gate_config
from otp_gate.django_internals import cache_user, unwrapped
from otp_gate.evaluation import FAULTS, Evaluation
from otp_gate.exceptions import StoreUnavailable
from otp_gate.exemptions import is_exempt
from otp_gate.gate.decision import Opening
from otp_gate.signals import request_refused
from otp_gate.state import GateState

logger = logging.getLogger("otp_gate")

Word = Literal["anonymous", "verified", "not_required", "exempt", "half", "shut", "unknown"]
"""A status of `request.otp_gate`; or turned away; or nobody can say."""

WATCHED = ("verified", "not_required")
"""Who was let in as himself, and so may lose it."""

FRESH = 1.0
"""For so long (seconds) a look holds for what goes out."""


def check_interval(interval: object) -> None:
    """Accept a positive number of seconds.

    Raises:
        ValueError: it is none.
    """
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not interval > 0:
        raise ValueError("interval must be a positive number of seconds")


class Glimpse(SessionBase):
    """A session as it was read. What Django or a policy does to it reaches no store."""

    def __init__(self, key: str | None, data: Mapping[str, Any]) -> None:
        super().__init__(key)
        # It waits for no challenge: a socket whose login is overdue is refused, not logged out.
        self._read = {name: data[name] for name in data if name != session.PENDING}

    def load(self) -> dict[str, Any]:
        return dict(self._read)

    async def aload(self) -> dict[str, Any]:
        return self.load()

    # `get_user` ends a session whose password has changed, and gives a new key to one that was
    # signed by an older SECRET_KEY: the one would be no news, the other a log-out.
    def flush(self) -> None:
        """Leave the store as it is."""

    async def aflush(self) -> None:
        """Leave the store as it is."""

    cycle_key, acycle_key = flush, aflush


class Door(Evaluation):
    """The gate for what has no answer of its own: it says whether, and not how, to refuse."""

    def opening_of(self, request: HttpRequest, config: GateConfig, at_view: bool) -> Opening:
        # By path alone: what the URLconf has at this path, a page of the gate say, is for HTTP.
        return Opening.HIDE_USER if is_exempt(request, None, config) else Opening.CLOSED

    def refuse(self, request: HttpRequest) -> HttpResponse | None:
        enforced = reports.log_refusal(request)
        request_refused.send_robust(sender=type(self), request=request, enforced=enforced)
        return HttpResponse(status=403)  # Not asked while the gate only reports: see `Watch`.

    async def arefuse(self, request: HttpRequest) -> HttpResponse | None:
        """See `refuse`."""
        enforced = reports.log_refusal(request)
        await request_refused.asend_robust(sender=type(self), request=request, enforced=enforced)
        if enforced:
            return HttpResponse(status=403)
        await reports.acount(request)
        return None


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

    def __init__(self, request: HttpRequest, kept: Any) -> None:
        self.request = request
        self.kept = unwrapped(kept)
        self.door = Door()

    def begin(self) -> None:
        """Go on from what the gate has decided about an HTTP request."""
        self.looked = time.monotonic()
        state: GateState = self.request.otp_gate  # type: ignore[attr-defined]
        self.remember(state, session.loaded(self.kept), self.request.user)

    async def abegin(self, user: Any) -> Word:
        """Decide about a connection; `user` is whom others put into its scope, or None."""
        word, state, data = await self.alook(user)
        if state is not None:
            self.remember(state, data, user)
        return word

    def remember(self, state: GateState, data: Mapping[str, Any], user: Any) -> None:
        self.login = data.get(session.LOGIN)
        if state.status in WATCHED:
            self.user_id = state.user_id
            self.outsider = user if self.user_id != self.login else None

    def ended(self) -> Word | None:
        """Return None as long as it may go on; else "shut", or "unknown" where nobody can say."""
        return None if self.goes_on() else self.verdict(*self.look()[:2])

    async def aended(self) -> Word | None:
        """See `ended`."""
        return None if self.goes_on() else self.verdict(*(await self.alook())[:2])

    def is_stale(self) -> bool:
        """True if the last look is too old for what is to go out."""
        return time.monotonic() - self.looked > FRESH

    def goes_on(self) -> bool:
        """True without a look: the gate only reports, or a stranger is still one.

        Whoever logs in while he is connected (`channels.auth.login`) is none any more.
        """
        if self.user_id is None and isinstance(self.kept, SessionBase):
            login = session.loaded(self.kept).get(session.LOGIN)
            if login != self.login:
                self.user_id = self.login = login
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

    def look(self) -> Look:
        """Decide anew: the word, and what it rests on."""
        self.looked = time.monotonic()
        try:
            return self.look_once()
        except FAULTS:
            close_old_connections()
        except Exception as error:
            return failed(error)
        try:
            return self.look_once()
        except Exception as error:
            return failed(error)

    async def alook(self, given: Any = None) -> Look:
        """See `look`; `given` is somebody who need not be loaded."""
        self.looked = time.monotonic()
        try:
            return await self.alook_once(given)
        except FAULTS:
            await sync_to_async(close_old_connections)()
        except Exception as error:
            return failed(error)
        try:
            return await self.alook_once(given)
        except Exception as error:
            return failed(error)

    def look_once(self) -> Look:
        store = self.store()
        data = session.read(store)
        fresh = self.request_with(store.session_key, data)
        user = auth.get_user(fresh) if self.outsider is None else reloaded(self.outsider)
        show(fresh, user)
        return told(self.door.evaluate(fresh), fresh, data)

    async def alook_once(self, given: Any) -> Look:
        """See `look_once`."""
        store = self.store()
        data = await session.aread(store)
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


Look = tuple[Word, GateState | None, Mapping[str, Any]]


def show(request: HttpRequest, user: Any) -> None:
    """Let the policy see a user as AuthenticationMiddleware does, in `user` and in `auser`."""
    AuthenticationMiddleware(lambda request: HttpResponse()).process_request(request)
    cache_user(request, user)


def told(refused: HttpResponse | None, request: HttpRequest, data: Mapping[str, Any]) -> Look:
    state: GateState = request.otp_gate  # type: ignore[attr-defined]
    return "shut" if refused else state.status, state, data


def failed(error: Exception) -> Look:
    """Log why nobody can say who is there: a store that is down, or a policy that is broken."""
    if isinstance(error, FAULTS):
        # By name alone: a database quotes the row, and so the session key.
        known = isinstance(error, StoreUnavailable)
        logger.error("Unavailable: %s", error if known else f"database ({type(error).__name__})")
    else:
        logger.error("A connection could not be judged", exc_info=error)
    return "unknown", None, session.NOTHING


def reloaded(user: Any) -> Any:
    """Return the user as he is now; nobody if he is gone, or may not log in any more."""
    if not hasattr(user, "_meta"):
        return user
    found = user.__class__._base_manager.filter(pk=user.pk).first()
    return found if found is not None and found.is_active else AnonymousUser()
