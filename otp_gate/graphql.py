"""GraphQL: a resolver that acts only for a user who has typed in a code.

A document may log in, or take a token, and then act; so the user is judged when the resolver asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from graphql import GraphQLError

from otp_gate import identity, reports, session
from otp_gate.addresses import page_url, settings_url
from otp_gate.conf import seconds
from otp_gate.django_internals import is_user_unread
from otp_gate.identity import user_id_of
from otp_gate.standing import ask_again, only_reports, standing_of


class Named(NamedTuple):
    """The user whom the session names, who is not loaded."""

    pk: str
    is_authenticated: bool = True


class Checked:
    """What `require_verified` returns. An async resolver may await it; then the user is loaded."""

    def __init__(self, request: HttpRequest, max_age: int | None) -> None:
        self.request, self.max_age = request, max_age

    def __await__(self) -> Generator[Any, None, None]:
        return self.load().__await__()

    async def load(self) -> None:
        user = await identity.load(self.request)
        if is_only_reported(self.request, user, self.max_age):
            await reports.acount(self.request, user_id_of(user))


def require_verified(info: Any, max_age: Any = None) -> Checked:
    """Refuse, unless the user for whom the resolver acts has typed in a code in this session.

    Works in sync and in async resolvers. The user is `request.user` at this moment: one that a
    token named needs a code of its own, and after a login in the same document nobody is verified.

    Args:
        info: the resolver's argument, of graphene-django, strawberry or ariadne; the request is
            `info.context`, its attribute or entry `request`.
        max_age: how long ago the code may have been typed in, seconds or `timedelta`; None for
            any time in this login.

    Raises:
        GraphQLError: not verified. `extensions["code"]` is "login_required", or "otp_required",
            with `verify_url` where a session waits for the code.
        ImproperlyConfigured: there is no request in the context, or no gate in MIDDLEWARE.
    """
    request = request_of(info)
    limit = None if max_age is None else seconds(max_age)
    user = user_of(request)
    if is_only_reported(request, user, limit):
        reports.count(request, user_id_of(user))
    return Checked(request, limit)


def request_of(info: Any) -> HttpRequest:
    context = info.context
    found = context.get("request") if isinstance(context, Mapping) else context
    found = getattr(found, "request", found)
    if not isinstance(found, HttpRequest):
        raise ImproperlyConfigured("require_verified finds no request in the GraphQL context.")
    return found


def user_of(request: HttpRequest) -> Any:
    """Return `request.user`; where loading it would block a coroutine, only its primary key."""
    user: Any = request.user
    if not is_user_unread(request) or not in_coroutine():
        return user
    user_id = identity.id_of_user(request, session.loaded(request.session))
    return user if user_id is None else Named(user_id)


def in_coroutine() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def is_only_reported(request: HttpRequest, user: Any, max_age: int | None) -> bool:
    """Return True if the user is not verified, but the gate only reports.

    Raises:
        GraphQLError: the user is not verified.
    """
    standing = standing_of(request, user, max_age)
    if standing == "verified":
        return False
    if standing == "anonymous":
        raise refusal(
            "login_required",
            pgettext("otp_gate", "Login required"),
            login_url=settings_url("LOGIN_URL"),
        )
    if only_reports(request, "GraphQL"):
        return True
    title = _("One-time password required")
    if standing == "token":
        raise refusal("otp_required", title)
    ask_again(request)
    raise refusal("otp_required", title, verify_url=page_url("verify"))


def refusal(code: str, message: str, **members: str | None) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, **members})
