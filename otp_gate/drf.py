"""A permission for Django REST framework: the code was typed in, by the very user who asks.

The gate holds sessions. What an API takes besides (tokens, JWT, Basic) has none, and gets nothing
from a view with this permission; nor does a password alone get a token from a view that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.views import APIView

from otp_gate import log_records, proofs, reports, session
from otp_gate.addresses import page_url
from otp_gate.conf import gate_config, seconds
from otp_gate.django_internals import wrapped_request
from otp_gate.identity import user_id_of
from otp_gate.inventory.credentials import token_for_password
from otp_gate.state import GateState

Standing = Literal["verified", "session", "token", "anonymous", "other"]
"""Who asks: verified; held by his session; by a token alone; nobody; not whom he names."""

NAMES = ("username", "email", "login")
"""Fields in which a view may take the name that belongs to a password; and USERNAME_FIELD."""


class OTPRequired(APIException):  # type: ignore[misc]
    """403: a code is due, at `verify_url`."""

    status_code = 403
    default_code = "otp_required"

    def __init__(self) -> None:
        detail = _("Type in the code that was sent to you, at verify_url, then try again.")
        body = {"detail": detail, "code": self.default_code}
        url = page_url("verify")
        super().__init__(body if url is None else {**body, "verify_url": url})


class StrongerLoginRequired(APIException):  # type: ignore[misc]
    """401, as RFC 9470 has it: a token was good, but no second factor stands behind it."""

    status_code = 401
    default_code = "otp_required"

    def __init__(self, max_age: int | None) -> None:
        detail = _("This needs a login that was verified by a one-time password.")
        super().__init__({"detail": detail, "code": self.default_code})
        self.auth_header = 'Bearer error="insufficient_user_authentication"'
        if max_age is not None:
            self.auth_header += f', max_age="{max_age}"'


class IsVerified(BasePermission):  # type: ignore[misc]
    """Passes where the session was verified for `request.user`, also where no policy asks for it.

    Raises:
        OTPRequired: the user of a session has yet to type in a code.
        StrongerLoginRequired: a token, or a password with each request, says who asks.
        NotAuthenticated: nobody does.
    """

    max_age: ClassVar[int | None] = None
    """How long ago (seconds) the code may have been typed in; None for any time in this login."""

    @classmethod
    def within(cls, max_age: Any) -> type[IsVerified]:
        """Return the permission for which the code must not be older (seconds or `timedelta`)."""
        return type(cls.__name__, (cls,), {"max_age": seconds(max_age)})

    def has_permission(self, request: Any, view: APIView) -> bool:
        supposed: bool | None = getattr(request, SUPPOSED, None)
        if supposed is not None:
            return supposed
        standing = standing_of(request, view, self.max_age)
        if standing == "verified":
            return True
        if standing == "other" or is_question(request) or not would_help(request, view):
            return False
        if standing == "anonymous":
            raise NotAuthenticated
        if gate_config().mode == "report":
            asking = wrapped_request(request)
            log_records.write("code_reported", asking, reason="IsVerified")
            reports.count(asking, user_id_of(request.user))
            return True
        if standing == "token":
            raise StrongerLoginRequired(self.max_age)
        ask_again(request)
        raise OTPRequired

    def has_object_permission(self, request: Any, view: APIView, obj: Any) -> bool:
        # The same of every object. DRF's own True would make `~IsVerified` refuse them all.
        return self.has_permission(request, view)


def standing_of(request: Any, view: APIView, max_age: int | None) -> Standing:
    """Say how whoever asks stands to the session that he may have come with."""
    state: GateState | None = getattr(wrapped_request(request), "otp_gate", None)
    if state is None:
        raise ImproperlyConfigured(
            "IsVerified needs 'otp_gate.middleware.OTPGateMiddleware' in MIDDLEWARE."
        )
    user: Any = request.user
    takes_password = token_for_password(type(view), getattr(view, "serializer_class", None))
    if takes_password and not user.is_authenticated:
        # It asks nobody who he is but by the password, and a session may stand behind that.
        user = auth.get_user(wrapped_request(request))
    if not user.is_authenticated:
        # Hidden on an exempt view, he is not nobody.
        return "session" if state.status == "exempt" else "anonymous"
    user_id, named = user_id_of(user), state.user_id
    mark: Any = None
    if (found := session_of_token(request)) is not None:
        data = session.read(found)
        named, mark = data.get(session.LOGIN), session.fresh_mark(data, user_id)
    elif user_id == named:
        mark = proofs.mark_now(wrapped_request(request), user)
    if user_id != named:
        return "token"
    if mark is None or session.is_stale(mark, max_age):
        return "session"
    return "other" if takes_password and not names_only(request, user) else "verified"


def names_only(request: Any, user: Any) -> bool:
    """True if a view that takes a name and a password is given no name but the user's own.

    Else a verified session of anybody would do to get a token of everybody whose password is known.
    """
    data = request.data
    if not isinstance(data, Mapping):
        return False
    names = [data[field] for field in (user.USERNAME_FIELD, *NAMES) if field in data]
    if not names:
        return bool(request.user.is_authenticated and "password" not in data)
    return all(name == user.get_username() for name in names)


def session_of_token(request: Any) -> Any:
    """Return the session by which DRF has authenticated, if it is not the one of the cookie.

    The authentication of django-allauth headless takes its token from `X-Session-Token`, and gives
    the session that it names as `request.auth`. The proof must be in that session, and in no other.
    """
    found = request.auth
    is_other = isinstance(found, SessionBase) and found is not wrapped_request(request).session
    return found if is_other else None


def ask_again(request: Any) -> None:
    """Let the session wait for a code, where it does not yet."""
    if (found := session_of_token(request)) is not None:
        if session.lacks_pending(session.read(found)):
            session.begin(found, step_up=True)
            found.save()  # Nothing else does: SessionMiddleware saves the session of the cookie.
    elif wrapped_request(request).otp_gate.status in ("verified", "not_required"):
        session.begin(wrapped_request(request).session, step_up=True)


def is_question(request: Any) -> bool:
    """True where DRF asks what would be: which forms the browsable API shows, what OPTIONS tells.

    It must not make the session wait for a code, nor count, for what nobody has asked to do.
    """
    return bool(request.method != wrapped_request(request).method)


SUPPOSED = "otp_gate_supposed"
"""Attribute of a request of which is asked what would be, if the code had been typed in, or not."""


def would_help(request: Any, view: APIView) -> bool:
    """True if the view refuses what it would allow with a code.

    In `IsAdminUser | IsVerified` the one that is asked first must not answer for both; and where
    another permission refuses in any case, it is the one to say so.
    """
    return any(
        is_part_of(permission)
        and not suppose(False, permission, request, view)
        and suppose(True, permission, request, view)
        for permission in view.get_permissions()
    )


def is_part_of(permission: Any) -> bool:
    """True for IsVerified, and for what `&`, `|` and `~` made of it."""
    parts = (getattr(permission, name, None) for name in ("op1", "op2"))
    return isinstance(permission, IsVerified) or any(is_part_of(it) for it in parts if it)


def suppose(verified: bool, permission: Any, request: Any, view: APIView) -> bool:
    setattr(request, SUPPOSED, verified)
    try:
        return bool(permission.has_permission(request, view))
    finally:
        delattr(request, SUPPOSED)
