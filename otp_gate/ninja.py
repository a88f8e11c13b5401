"""django-ninja: authentication that counts only with a code, by the very user whom it names.

An operation authenticates inside the view, after both doors of the gate and after any decorator. So
the question whether the user has typed in a code is asked here, right after the authentication.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, overload

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.errors import HttpError

from otp_gate import identity, reports
from otp_gate.addresses import page_url
from otp_gate.conf import seconds
from otp_gate.identity import user_id_of
from otp_gate.inventory.frameworks import operations
from otp_gate.responses import problem
from otp_gate.standing import STRONGER_LOGIN, ask_again, only_reports, standing_of

logger = logging.getLogger("otp_gate")

Auth = Callable[[HttpRequest], Any]


class CodeRequired(HttpError):  # type: ignore[misc]
    """403: the user of the session has to type a code in. 401: a token alone is not enough."""

    def __init__(self, status_code: int, max_age: int | None) -> None:
        text = _("This needs a login that was verified by a one-time password.")
        super().__init__(status_code, text)
        self.max_age = max_age


def answer(request: HttpRequest, error: CodeRequired) -> HttpResponse:
    """Return the problem document (RFC 9457) of a refusal."""
    title = _("One-time password required")
    if error.status_code == 403:
        detail = _("Type in the code that was sent to you, at verify_url, then try again.")
        return problem(403, "otp_required", title, detail, verify_url=page_url("verify"))
    response = problem(401, "otp_required", title, str(error))
    age = "" if error.max_age is None else f', max_age="{error.max_age}"'
    response["WWW-Authenticate"] = STRONGER_LOGIN + age
    return response


class Verified:
    """An authentication of django-ninja that asks for the code of the user whom it names."""

    is_async = False

    def __init__(self, auth: Auth, max_age: int | None) -> None:
        self.auth, self.max_age = auth, max_age
        schema = getattr(auth, "openapi_security_schema", None)
        if schema is not None:
            self.openapi_security_schema = schema

    def __call__(self, request: HttpRequest) -> Any:
        before = request.user
        result = self.auth(request)
        user = named_user(request, before, result)
        if self.is_only_reported(request, user):
            reports.count(request, user_id_of(user))
        return result

    def is_only_reported(self, request: HttpRequest, user: Any) -> bool:
        """Return True if the user is not verified, but the gate only reports.

        Raises:
            CodeRequired: the user is not verified in this session; or nobody knows who it is.
        """
        standing = "token" if user is None else standing_of(request, user, self.max_age)
        if standing in ("verified", "anonymous"):
            return False
        if user is None:
            name = getattr(self.auth, "__qualname__", type(self.auth).__qualname__)
            logger.error("verified(%s) names no user: return it, or set request.user", name)
        elif only_reports(request, "django-ninja"):
            return True
        if standing == "session":
            ask_again(request)
        match = request.resolver_match
        for operation in operations(match.func) if match else ():
            # Without it django-ninja refuses too, but with no more than a text.
            operation.api.add_exception_handler(CodeRequired, answer)
        raise CodeRequired(403 if standing == "session" else 401, self.max_age)


class AsyncVerified(Verified):
    """See `Verified`; of an authentication that is a coroutine."""

    is_async = True

    async def __call__(self, request: HttpRequest) -> Any:
        before = request.user
        result = self.auth(request)
        if inspect.isawaitable(result):
            result = await result
        if result is True and request.user is before:
            await identity.load(request)  # Asked below, where nothing may block.
        user = named_user(request, before, result)
        if self.is_only_reported(request, user):
            await reports.acount(request, user_id_of(user))
        return result


def named_user(request: HttpRequest, before: Any, result: Any) -> Any:
    """Return the user whom an authentication names, and None if nobody can know that.

    Args:
        before: `request.user` before the authentication.
        result: what the authentication returned.

    An API key or the claims of a token name a user whom only the view knows. The user of the
    session may be another one, whose code proves nothing.
    """
    if not result:
        return AnonymousUser()
    if hasattr(result, "is_authenticated") and hasattr(result, "pk"):
        return result
    if request.user is not before or result is True:
        return request.user
    return None


@overload
def verified(auth: Sequence[Auth], max_age: Any = None) -> list[Verified]: ...
@overload
def verified(auth: Auth, max_age: Any = None) -> Verified: ...
def verified(auth: Any, max_age: Any = None) -> Any:
    """Let an authentication of django-ninja pass only users who have typed in a code.

    The code must have been typed in for that user in the session of the same request, also where
    the policy asks nobody for a code. In report mode the gate counts and lets pass.

    Args:
        auth: what `auth=` of an operation, router or API takes, sync or async: one callable, or
            a sequence of them. It names a user by returning it, by setting `request.user`, or by
            returning True for the `request.user` that is there.
        max_age: how long ago the code may have been typed in, seconds or `timedelta`; None for
            any time in this login.
    """
    limit = None if max_age is None else seconds(max_age)
    if isinstance(auth, Sequence):
        return [wrapped(item, limit) for item in auth]
    return wrapped(auth, limit)


def wrapped(auth: Any, limit: int | None) -> Verified:
    is_async = getattr(auth, "is_async", False) or inspect.iscoroutinefunction(
        auth if inspect.isroutine(auth) else getattr(auth, "__call__", None)  # noqa: B004
    )
    base = AsyncVerified if is_async else Verified
    # Named as what it wraps: the OpenAPI document calls each by the name of its class.
    name = type(auth).__name__
    kind: type[Verified] = (
        type(name, (base,), {}) if hasattr(auth, "openapi_security_schema") else base
    )
    return kind(auth, limit)
