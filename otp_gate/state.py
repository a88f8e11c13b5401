"""`request.otp_gate`: what the gate knows of one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from otp_gate import identity, session
from otp_gate.django_internals import ACACHED_USER, CACHED_USER, SESSION_DATA, wrapped_request

Status = Literal["anonymous", "half", "verified", "not_required", "exempt"]


class Arrival(NamedTuple):
    """How a request came to the gate, whatever has logged in or out since."""

    status: Status
    user_id: str | None
    marks: Mapping[Any, Any]
    """The marks of the session by user id."""


class GateState:
    """How far the session of a request has come; `request.otp_gate` once the gate has decided."""

    _user: Any = None
    _auser: identity.AUser | None = None
    _arrival: Arrival | None = None
    is_hidden = False
    """True while `request.user` is not the half-authenticated user but AnonymousUser."""
    keeps = False
    """True if the session is verified and keeps a request; see `kept`."""
    timed_out = False
    """True if this request ended a login whose code was not typed in within PENDING_TTL."""
    served = False
    """True once one of the gate's own pages has run."""
    view_reached = False
    """True once the second door has let a view run. `request.resolver_match` is set earlier, also
    where another middleware answers in place of the view."""

    def __init__(
        self,
        request: HttpRequest,
        status: Status,
        user_ids: identity.UserIds,
        data: Mapping[str, Any],
        mark: Any = None,
    ) -> None:
        self.status: Status = status
        """"anonymous", "half", "verified", "not_required" or "exempt" (half, on an exempt view)."""
        self._mark = mark
        # The evidence of the decision; where one of them changes, the gate decides again.
        self._seen, self._aseen = request.user, request.__dict__.get("auser")
        self._session = request.session
        self._user_ids = user_ids
        self._login = data.get(session.LOGIN)
        self._marks = data.get(session.MARKS)

    def still_passes(self, request: HttpRequest) -> bool:
        """Return True if the first door let the request pass and its evidence has not changed."""
        return (
            "urlconf" not in request.__dict__
            and self.status in ("verified", "anonymous", "not_required")
            and self.is_settled(request)
        )

    def is_settled(self, request: HttpRequest) -> bool:
        """Return True if the evidence of the decision has not changed since."""
        there = request.__dict__
        data = self._session.__dict__.get(SESSION_DATA)
        if data is None:
            data = session.loaded(self._session)
        return (
            request.user is self._seen
            and there.get("auser") is self._aseen
            and request.session is self._session
            and data.get(session.MARKS) is self._marks
            and data.get(session.LOGIN) == self._login
            # Behind the same lazy users, a middleware may have put another user.
            and (
                (CACHED_USER not in there and ACACHED_USER not in there)
                or identity.has_loaded_only(request, data, self._user_ids)
            )
        )

    def see(self, request: HttpRequest) -> None:
        """Take the users that are in the request now as evidence."""
        self._seen, self._aseen = request.user, request.__dict__.get("auser")

    def sees(self, request: HttpRequest) -> bool:
        """Return True if `request.user` and `request.auser` are those of the decision."""
        return request.user is self._seen and request.__dict__.get("auser") is self._aseen

    @property
    def user_id(self) -> str | None:
        """The primary key of the user who is logged in, as the session names it. No SQL."""
        return self._user_ids[0]

    @property
    def arrival(self) -> Arrival:
        """How this request came in; a login inside the view does not change it."""
        return self._arrival or Arrival(self.status, self.user_id, session.marks_of(self._marks))

    @property
    def mark(self) -> session.Mark | None:
        """The mark of the user who is logged in, or None."""
        return None if self._mark is None else session.Mark(*self._mark)

    def mark_for(self, user: Any) -> session.Mark | None:
        """Return the mark of this user, if it is in this session and counts now; else None.

        A mark of one user proves nothing about another user for whom a view may act (ASVS 7.2.4).
        """
        if self.status != "verified" and self._arrival is not None:
            return None  # A login inside this request ended what was proved before.
        if not user.is_authenticated:
            return None
        data = {session.MARKS: session.marks_of(self._marks)}
        mark = session.fresh_mark(data, identity.user_id_of(user))
        return None if mark is None else session.Mark(*mark)

    @property
    def verified_at(self) -> datetime | None:
        """When the code was typed in, as an aware `datetime`; None if it was not."""
        return None if self._mark is None else datetime.fromtimestamp(self._mark[0], UTC)

    @property
    def factor(self) -> str | None:
        """The id of the factor by which the session was verified ("email"), or None."""
        return None if self._mark is None else str(self._mark[1])

    @property
    def pending_user(self) -> Any:
        """The half-authenticated user, or None. Loads the user where nothing else has yet."""
        user = self._user
        return user if user is not None and user.is_authenticated else None

    async def apending_user(self) -> Any:
        """See `pending_user`; for async views."""
        if self._auser is None:
            return None
        user = await self._auser()
        return user if user.is_authenticated else None

    # The half-authenticated user: held, hidden, shown

    def hold(self, request: HttpRequest) -> None:
        """Remember the user of the request as half-authenticated."""
        self._user = request.user
        self._auser = getattr(request, "auser", None) or identity.answering(request.user)

    def hide_user(self, request: HttpRequest) -> None:
        """Let everything behind the gate see AnonymousUser, by both accessors."""
        identity.hide_user(request)
        self.is_hidden = True
        self.see(request)

    def reveal_user(self, request: HttpRequest) -> None:
        """Put the half-authenticated user back into the request, where it was hidden."""
        if self.is_hidden:
            request.user, request.auser = self._user, self._auser  # type: ignore[assignment]
            self.is_hidden = False
            self.see(request)

    def is_wrapped(self, data: Mapping[str, Any], user_id: str | None) -> bool:
        """Return True if a middleware has wrapped the AnonymousUser that hides the user.

        django-hijack puts a copy into the request. The session still names the same login, so
        what the middleware changed is not the user.
        """
        return self.is_hidden and user_id is None and data.get(session.LOGIN) == self._login

    @contextmanager
    def user_for_own_page(self, request: HttpRequest) -> Iterator[None]:
        """Let one of the gate's own views see the half-authenticated user, and nothing else.

        A middleware behind the gate would act for a user who gave only the password: mint a token
        cookie, end the user's other sessions.
        """
        hidden = self.is_hidden and not request.user.is_authenticated
        if hidden:
            self.reveal_user(request)
        try:
            yield
        finally:
            if hidden and self.status == "half":
                self.hide_user(request)

    # What a view changes

    def set_verified(self, request: HttpRequest) -> None:
        """The code was right, in this request: what still runs sees a verified user."""
        self._marks = session.loaded(request.session).get(session.MARKS)
        self.status, self._mark = "verified", session.marks_of(self._marks).get(self.user_id)

    def is_repeated_login(self, user: Any) -> bool:
        """Return True if a middleware logs in the half-authenticated user whom the gate hides.

        A log-in by header (REMOTE_USER) sees AnonymousUser and logs in at each request. Its user is
        half-authenticated already, and the code on its way must stay valid.
        """
        known = self.is_hidden and not self.view_reached
        return known and identity.user_id_of(user) == self.user_id

    def begin_login(self, request: Any, user: Any, status: Status, *, hide: bool) -> None:
        """A login happened in this request, with the password alone: no mark counts any more.

        Args:
            request: as the view handed it to `login`: it may wrap Django's, as in REST framework.
            status: "half", or "not_required" where the policy asks this user for no code.
            hide: let the rest of the view see AnonymousUser. A GraphQL document or a batch of
                calls may log in and go on as the user, in one request.
        """
        self._arrival = self.arrival
        self.status, self._mark = status, None
        self._user_ids = identity.user_id_of(user), None
        self._user, self._auser = user, identity.answering(user)
        for layer in layers(request):
            if hide:
                self.hide_user(layer)
            elif self.is_hidden:
                layer.user, layer.auser = self._user, self._auser
        self.is_hidden = hide

    def carry_over(self, request: Any, user_id: str) -> None:
        """Let the login of this request keep the proof of the login before: see `impersonation`."""
        mark = session.fresh_mark(session.loaded(request.session), user_id)
        if mark is None or self._arrival is None:
            return
        self.status, self._mark = "verified", mark
        self._marks = session.loaded(request.session).get(session.MARKS)
        for layer in layers(request):
            if self.is_hidden:
                layer.user, layer.auser = self._user, self._auser
        self.is_hidden = False

    def end_login(self) -> None:
        """A log-out happened in this request."""
        self._arrival = self.arrival
        self.status, self._mark, self._user, self._auser = "anonymous", None, None, None
        self._user_ids = NO_USER
        self.is_hidden = False


NO_USER: identity.UserIds = (None, None)


def layers(request: Any) -> Iterator[Any]:
    """Give a request and what it wraps (a request of Django REST framework wraps Django's)."""
    while request is not None:
        yield request
        request = wrapped_request(request)


def gate_state(request: HttpRequest) -> GateState:
    """Return the state of the gate for this request.

    Raises:
        ImproperlyConfigured: the gate is not in MIDDLEWARE, or stands behind the caller.
    """
    state: GateState | None = getattr(request, "otp_gate", None)
    if state is None:
        raise ImproperlyConfigured(
            "This needs 'otp_gate.middleware.OTPGateMiddleware' in MIDDLEWARE."
        )
    return state


class KeepingState(GateState):
    """Of a verified session that keeps a request: it may be the one that asks."""

    keeps = True

    def still_passes(self, request: HttpRequest) -> bool:
        """Never at once: the second door looks whether the kept request goes on."""
        return False


RESUME = "otp_gate_resume"
"""Name in the query of the token that brings a kept request back; see `kept`."""
RESUME_FIELD = f"{RESUME}="


def may_resume(request: HttpRequest) -> bool:
    """True if the address carries such a token, of whatever worth."""
    return RESUME_FIELD in request.META.get("QUERY_STRING", "")


RESUMED = "otp_gate_resumed"
"""Attribute of a replayed request. Not of the state, which may be settled anew."""


def is_resumed(request: Any) -> bool:
    """Return True if this is a saved request that is replayed."""
    return getattr(request, RESUMED, False) is True
