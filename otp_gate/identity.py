"""Whom a view would see: by `request.user`, and by `await request.auser()`, which may be another.

Nobody is loaded who need not be, and no look of the gate is left behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.middleware import auser as djangos_auser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from otp_gate.session import LOGIN

AUser = Callable[[], Awaitable[Any]]

DJANGO_AUTH = djangos_auser.__module__
_peek = object.__getattribute__


def names(request: HttpRequest, data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the id of the user in `request.user`, and of the one in `auser` if he is another.

    As long as both are the untouched promises of Django's AuthenticationMiddleware, the session
    says who that will be. Anything else (a token, an impersonation, a user who has been looked at
    already) is asked for its primary key.
    """
    if is_untouched(request):
        return data.get(LOGIN), None
    auser = getattr(request, "auser", None)
    user_id = named_by_user(request, data)
    forget_leftover(request, data, user_id)
    other, ask = named_by_auser(request, data, auser)
    if ask is not None:
        with unnoticed(request):
            other = named(async_to_sync(ask)())
    return user_id, None if other == user_id else other


async def anames(request: HttpRequest, data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """See `names`."""
    if is_untouched(request):
        return data.get(LOGIN), None
    user: Any = request.user
    if type(user) is SimpleLazyObject and not is_promise(user):
        with unnoticed(request):
            await sync_to_async(bool)(user)  # His loader may block.
    auser = getattr(request, "auser", None)
    user_id = named_by_user(request, data)
    forget_leftover(request, data, user_id)
    other, ask = named_by_auser(request, data, auser)
    if ask is not None:
        with unnoticed(request):
            other = named(await ask())
    return user_id, None if other == user_id else other


def is_untouched(request: HttpRequest) -> bool:
    """True if nobody has looked at the user yet, or put another."""
    there = request.__dict__
    return (
        is_promise(request.user)
        and "_cached_user" not in there
        and "_acached_user" not in there
        and is_djangos(there.get("auser"))
    )


def is_promise(user: Any) -> bool:
    """True for the lazy object that AuthenticationMiddleware leaves in `request.user`."""
    return type(user) is SimpleLazyObject and _peek(user, "_setupfunc").__module__ == DJANGO_AUTH


def is_djangos(auser: Any) -> bool:
    """True for the `request.auser` of AuthenticationMiddleware."""
    return type(auser) is partial and auser.func is djangos_auser


def named_by_user(request: HttpRequest, data: Mapping[str, Any]) -> str | None:
    """Return the id of `request.user`, or None for nobody."""
    user: Any = request.user
    if is_promise(user) and "_cached_user" not in request.__dict__:
        return data.get(LOGIN)
    with unnoticed(request):
        return named(user)


def named_by_auser(
    request: HttpRequest, data: Mapping[str, Any], auser: AUser | None
) -> tuple[str | None, AUser | None]:
    """Return the id of whom `auser` names; or, where only it can know that, what is to be asked."""
    if auser is None:
        return None, None
    if not is_djangos(auser):
        return None, auser
    if "_acached_user" in request.__dict__:
        return named(request._acached_user), None  # type: ignore[attr-defined]
    return data.get(LOGIN), None


def forget_leftover(request: HttpRequest, data: Mapping[str, Any], user_id: str | None) -> None:
    """Let `auser` ask the session again after a log-out on the way.

    `alogout` leaves behind whom it found there: an async view would still be shown him, once.
    """
    if user_id is None and LOGIN not in data:
        request.__dict__.pop("_acached_user", None)


def named(user: Any) -> str | None:
    return user_id_of(user) if user.is_authenticated else None


def user_id_of(user: Any) -> str:
    """Return the primary key of a user as `login` writes it into the session."""
    meta = getattr(user, "_meta", None)
    return str(user.pk if meta is None else meta.pk.value_to_string(user))


async def load(request: HttpRequest) -> Any:
    """Load `request.user`, and with it `request.auser`: one query, not two.

    Never the other way round: where they differ (before Django 6.1, `login` sets only the one), it
    is `request.user` whom nearly every view trusts.
    """
    if is_untouched(request):
        request._cached_user = await request.auser()  # type: ignore[attr-defined]
    elif is_promise(request.user):
        await sync_to_async(bool)(request.user)
    return request.user


@contextmanager
def unnoticed(request: HttpRequest) -> Iterator[None]:
    """Let the gate look at the user, leaving no trace where no session was looked at before.

    The user is promised anew: a view that looks at him must still be one that looked at the
    session, or a cache would keep his page for everybody (no `Vary: Cookie`).
    """
    session = request.session
    accessed = session.accessed
    try:
        yield
    finally:
        if session.accessed and not accessed:
            session.accessed = False
            auser = getattr(request, "auser", None)
            # Where both are Django's, whoever has been loaded by the one need not be by the other.
            both = is_promise(request.user) and is_djangos(auser)
            promise(request, request.user, None if both else auser)


def promise(request: HttpRequest, user: Any, auser: AUser | None = None) -> None:
    """Let whoever looks at `request.user` see this one, and have looked at the session by it."""

    def look() -> Any:
        request.session.accessed = True
        return user

    async def alook() -> Any:
        request.session.accessed = True
        return user if auser is None else await auser()

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
