"""The gate's decision about a connection: it says whether to let it be, and changes nothing.

The decision is the one of the gate for HTTP. There is no answer that could carry a new cookie, so
no session and no user is changed by it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from otp_gate import reports, session
from otp_gate.conf import GateConfig
from otp_gate.django_internals import cache_user
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


UNSAVED = "not saved yet"
"""Stands for the key of a session that has none yet."""


class Glimpse(SessionBase):
    """A session as it was read. What Django or a policy does to it reaches no store."""

    def __init__(self, key: str | None, data: Mapping[str, Any]) -> None:
        # Without a key the gate would take it for no session at all.
        super().__init__(key or (UNSAVED if data else None))
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
        if enforced:
            return HttpResponse(status=403)
        reports.count(request)
        return None

    async def arefuse(self, request: HttpRequest) -> HttpResponse | None:
        """See `refuse`."""
        enforced = reports.log_refusal(request)
        await request_refused.asend_robust(sender=type(self), request=request, enforced=enforced)
        if enforced:
            return HttpResponse(status=403)
        await reports.acount(request)
        return None


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
