"""`request.otp_gate`: what the gate knows of one request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.cache import add_never_cache_headers

from otp_gate import codes, identity, session

Status = Literal["anonymous", "half", "verified", "not_required", "exempt"]


class GateState:
    """How far the session of a request has come; `request.otp_gate` from when it is made."""

    _user: Any = None
    _auser: identity.AUser | None = None
    keeps = False
    """True if the session is verified and keeps a request; see `kept`."""
    served = False
    """True as soon as one of the gate's own pages has run."""

    def __init__(
        self,
        request: HttpRequest,
        status: Status,
        names: tuple[str | None, str | None],
        data: Mapping[str, Any],
        mark: Any = None,
    ) -> None:
        self.status: Status = status
        """"anonymous", "half", "verified", "not_required" or "exempt" (half, on an open view)."""
        self._mark = mark
        # What the decision rests on; where one of them changes, it is made again.
        self._seen, self._aseen = request.user, request.__dict__.get("auser")
        self._session = request.session
        self._names = names
        self._login = data.get(session.LOGIN)
        self._marks = data.get(session.MARKS)
        request.otp_gate = self  # type: ignore[attr-defined]

    def still_passes(self, request: HttpRequest) -> bool:
        """True if the first door let pass, and nothing that it saw has changed since."""
        return (
            self.status in ("verified", "anonymous", "not_required")
            and "urlconf" not in request.__dict__
            and self.is_settled(request)
        )

    def is_settled(self, request: HttpRequest) -> bool:
        """True if nothing that the decision rests on has changed since."""
        there, data = request.__dict__, session.loaded(request.session)
        return (
            request.user is self._seen
            and there.get("auser") is self._aseen
            and request.session is self._session
            and data.get(session.MARKS) is self._marks
            and data.get(session.LOGIN) == self._login
            # Behind the same promises, somebody may have put another user.
            and (
                "_cached_user" not in there
                or identity.named_by_user(request, data) == self._names[0]
            )
            and (
                "_acached_user" not in there
                or identity.named(there["_acached_user"]) in self._names
            )
        )

    def see(self, request: HttpRequest) -> None:
        self._seen, self._aseen = request.user, request.__dict__.get("auser")

    def sees(self, request: HttpRequest) -> bool:
        """True if `request.user` and `request.auser` are what they were."""
        return request.user is self._seen and request.__dict__.get("auser") is self._aseen

    @property
    def user_id(self) -> str | None:
        """The primary key of who is logged in, as the session names it; loads no user."""
        return self._names[0]

    @property
    def marks(self) -> Mapping[Any, Any]:
        """The marks that the decision found in the session, which a login may have ended since."""
        return session.marks_of(self._marks)

    @property
    def mark(self) -> session.Mark | None:
        return None if self._mark is None else session.Mark(*self._mark)

    def mark_for(self, user: Any) -> session.Mark | None:
        """Return the mark of this user, if it is in this session and counts now; else None.

        A view acts for the user that it sees, who may be another user than the one that the
        session names (a token, a password in a header, a link). A mark of one user proves nothing
        about another user (ASVS 7.2.4).
        """
        if not user.is_authenticated:
            return None
        data = {session.MARKS: self._marks}
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
        """Who is half-authenticated, or None. Loads the user where nobody has yet."""
        user = self._user
        return user if user is not None and user.is_authenticated else None

    async def apending_user(self) -> Any:
        """See `pending_user`; for async views."""
        if self._auser is None:
            return None
        user = await self._auser()
        return user if user.is_authenticated else None

    def hold(self, request: HttpRequest) -> None:
        """Remember who is half-authenticated."""
        self._user = request.user
        self._auser = getattr(request, "auser", None) or identity.answering(request.user)

    def hide_user(self, request: HttpRequest) -> None:
        """Let whatever runs further in see nobody, by either way of asking."""
        # A promise, for the page depends on the session as soon as it looks at its user: without
        # the `Vary: Cookie` of that look a cache would keep this one for the verified, too.
        identity.promise(request, AnonymousUser())
        self.see(request)

    def reveal_user(self, request: HttpRequest) -> None:
        """Put back the user who was hidden."""
        request.user, request.auser = self._user, self._auser  # type: ignore[assignment]
        self.see(request)


class Kept(NamedTuple):
    """A request that a view refused until a code is typed in, as the session keeps it."""

    note: str
    """What the person is told of it."""
    place: str
    """Host and path of it."""
    way: str
    """Where to go on after the code, path and query."""
    token: str
    key: str
    user_id: str
    max_age: int | None
    """How fresh the view wants the code, in seconds."""
    dropped: bool
    """True if it took the place of another one."""
    checked: bool = False
    """True if its CSRF token was right; otherwise whoever checks further in must still do it."""
    limit: int = 0
    """How many bytes the view lets be kept."""

    @property
    def waits(self) -> bool:
        """True if it is there to go on, and not only told of."""
        return self.note == "waits"

    @property
    def id(self) -> str:
        """What the page says, to be told by its form which one it was that it spoke of."""
        return codes.token_digest(self.token)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Kept | None:
        """Return what this session keeps."""
        entry = data.get(session.KEPT)
        kinds = (*[str] * 6, int | None, bool, bool, int)
        return cls(*entry) if session.is_shaped(entry, kinds, optional=2) else None


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


RESUME = "otp_gate_resume"
"""Name in the query of the token that brings a kept request back; see `kept`."""


RESUMED = "otp_gate_resumed"
"""Attribute of a kept request that goes on. Not of the state, which may be settled anew since."""


def is_resumed(request: Any) -> bool:
    """True if this is a kept request that goes on."""
    return getattr(request, RESUMED, False) is True


def may_resume(request: HttpRequest) -> bool:
    """True if the address carries such a token, of whatever worth."""
    return f"{RESUME}=" in request.META.get("QUERY_STRING", "")


def never_stored(response: Any) -> None:
    """Let no cache keep the answer to a request that went on, nor tell its address to others."""
    add_never_cache_headers(response)
    # Set here, it stands before the site's own, which may be stricter, but must not be laxer.
    strictest = settings.SECURE_REFERRER_POLICY == "no-referrer"
    response.headers.setdefault("Referrer-Policy", "no-referrer" if strictest else "same-origin")


class KeepingState(GateState):
    """Of a verified session that keeps a request: it may be the one that asks."""

    keeps = True

    def still_passes(self, request: HttpRequest) -> bool:
        """Never at once: the second door looks whether the kept request goes on."""
        return False


def settle(
    request: HttpRequest, data: Mapping[str, Any], names: tuple[str | None, str | None]
) -> bool:
    """Let pass who is nobody, or verified; False for everybody else."""
    user_id, other = names
    if other is not None and not session.is_one(data, user_id, other):
        return False
    if user_id is None:
        GateState(request, "anonymous", names, data)
        return True
    mark = session.fresh_mark(data, user_id)
    if mark is None:
        return False
    state = KeepingState if session.KEPT in data else GateState
    state(request, "verified", names, data, mark)
    return True
