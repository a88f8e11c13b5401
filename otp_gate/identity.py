"""Which users a view would see: in `request.user`, and in `request.auser()`.

The two accessors have caches of their own and may name two users. The gate avoids loading a user,
and restores `session.accessed` after each look.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.middleware import auser as djangos_auser
from django.contrib.auth.middleware import get_user as djangos_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from otp_gate import session
from otp_gate.django_internals import (
    acached_user,
    cache_user,
    cached_user,
    forget_async_user,
    forget_users,
    is_django_auser,
    is_django_user,
    is_user_unread,
    unwrap_user,
)
from otp_gate.session import LOGIN

AUser = Callable[[], Awaitable[Any]]
UserIds = tuple[str | None, str | None]


def user_ids(request: HttpRequest, data: Mapping[str, Any]) -> UserIds:
    """Return the id of `request.user`, and the id of the user of `auser` if it is another user.

    As long as both accessors are Django's and unread, the session names the user. Any other user
    (of a token, of an impersonation, already loaded) is asked for the primary key.
    """
    if is_user_unread(request):
        return data.get(LOGIN), None
    auser = getattr(request, "auser", None)
    user_id = id_of_user(request, data)
    forget_ended_login(request, data, user_id)
    other, ask = id_of_auser(request, data, auser)
    if ask is not None:
        with without_session_access(request):
            other = pk_or_none(async_to_sync(ask)())
    return user_id, None if other == user_id else other


async def auser_ids(request: HttpRequest, data: Mapping[str, Any]) -> UserIds:
    """See `user_ids`."""
    if is_user_unread(request):
        return data.get(LOGIN), None
    user: Any = request.user
    if type(user) is SimpleLazyObject and not is_django_user(user):
        with without_session_access(request):
            await sync_to_async(bool)(user)  # Its loader may block.
    auser = getattr(request, "auser", None)
    user_id = id_of_user(request, data)
    forget_ended_login(request, data, user_id)
    other, ask = id_of_auser(request, data, auser)
    if ask is not None:
        with without_session_access(request):
            other = pk_or_none(await ask())
    return user_id, None if other == user_id else other


def id_of_user(request: HttpRequest, data: Mapping[str, Any]) -> str | None:
    """Return the id of `request.user`, or None for AnonymousUser."""
    user: Any = request.user
    if is_django_user(user):
        if cached_user(request) is None:
            return data.get(LOGIN)
        user = unwrap_user(user)
    with without_session_access(request):
        return pk_or_none(user)


def id_of_auser(
    request: HttpRequest, data: Mapping[str, Any], auser: AUser | None
) -> tuple[str | None, AUser | None]:
    """Return the id of the user of `auser`, or the accessor to call where only it knows the id."""
    if auser is None:
        return None, None
    if not is_django_auser(auser):
        return None, auser
    cached = acached_user(request)
    return data.get(LOGIN) if cached is None else pk_or_none(cached), None


def forget_ended_login(request: HttpRequest, data: Mapping[str, Any], user_id: str | None) -> None:
    """Let `auser` ask the session again after a login or log-out in a middleware.

    Before Django 6.1, `alogin` and `alogout` leave the old user in its cache. Not while somebody
    impersonates: then the session names another user than `request.user`.
    """
    cached = acached_user(request)
    if cached is not None and user_id == data.get(LOGIN) != pk_or_none(cached):
        forget_async_user(request)


def has_loaded_only(request: HttpRequest, data: Mapping[str, Any], ids: UserIds) -> bool:
    """Return True if the users that the accessors have loaded, if any, are the users of `ids`."""
    return (cached_user(request) is None or id_of_user(request, data) == ids[0]) and (
        acached_user(request) is None or pk_or_none(acached_user(request)) in ids
    )


def pk_or_none(user: Any) -> str | None:
    return user_id_of(user) if user.is_authenticated else None


def user_id_of(user: Any) -> str:
    """Return the primary key of a user as `login` writes it into the session."""
    meta = getattr(user, "_meta", None)
    return str(user.pk if meta is None else meta.pk.value_to_string(user))


async def load(request: HttpRequest) -> Any:
    """Load `request.user`, and with it `request.auser`: one query, not two.

    Never the other way round: where they differ (before Django 6.1, `login` sets only the one),
    nearly every view trusts `request.user`.
    """
    user: Any = request.user
    if is_user_unread(request) and unwrap_user(user) is user:
        cache_user(request, await request.auser())
    elif type(user) is SimpleLazyObject:
        await sync_to_async(bool)(user)
    return request.user


@contextmanager
def without_session_access(request: HttpRequest) -> Iterator[None]:
    """Look at the user, and leave `session.accessed` as it was.

    The user is made lazy again: a view that looks at the user must still be one that looked at
    the session, or a cache would serve its page to other users (no `Vary: Cookie`).
    """
    session = request.session
    accessed = session.accessed
    try:
        yield
    finally:
        if session.accessed and not accessed:
            session.accessed = False
            auser = getattr(request, "auser", None)
            # Where both are Django's, a user that one of them has loaded serves both.
            both = is_django_user(request.user) and is_django_auser(auser)
            forget_users(request)
            set_lazy_user(request, request.user, None if both else auser)


def set_lazy_user(request: HttpRequest, user: Any, auser: AUser | None = None) -> None:
    """Let both accessors answer with this user, and mark the session as accessed by the look.

    They hold for the login that is in the session now. After a later login or log-out (Django
    sets `request.user`, and before 6.1 not `request.auser`) the session is asked again.
    """
    login = session.loaded(request.session).get(LOGIN)

    def is_current() -> bool:
        request.session.accessed = True
        return bool(session.loaded(request.session).get(LOGIN) == login)

    def look() -> Any:
        return user if is_current() else djangos_user(request)

    async def alook() -> Any:
        current = is_current()
        if auser is not None:
            return await auser()
        return user if current else await djangos_auser(request)

    request.user, request.auser = SimpleLazyObject(look), alook  # type: ignore[assignment]


def hide_user(request: HttpRequest) -> None:
    """Let both accessors answer with AnonymousUser, and mark the session as accessed by the look.

    Lazy, because the page depends on the session as soon as it looks at its user: without the
    `Vary: Cookie` of that look a cache would serve this page to verified users, too.
    """
    user = AnonymousUser()

    def look() -> Any:
        request.session.accessed = True
        return user

    async def alook() -> Any:
        return look()

    request.user, request.auser = SimpleLazyObject(look), alook  # type: ignore[assignment]


def become_anonymous(request: HttpRequest) -> None:
    """Make `request.user` and `request.auser` anonymous; each has a cache of its own."""
    user = AnonymousUser()
    request.user, request.auser = user, answering(user)


def answering(user: Any) -> AUser:
    """Return an `auser` that answers with this user."""

    async def auser() -> Any:
        return user

    return auser
