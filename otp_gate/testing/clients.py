"""One client of a test, verified as the OTP page would verify it, but for the code."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.http import HttpRequest
from django.test import AsyncClient, Client

from otp_gate import session
from otp_gate.signals import session_key_changed
from otp_gate.testing.switch import FACTOR


class NobodyLoggedIn(ValueError):
    """The client that should be verified has not logged in."""


def verify(client: Client | AsyncClient, *, factor: str = FACTOR) -> None:
    """Verify the session of a client that is logged in; again, if it is verified already.

    No code, no mail, no Redis. As in production, the session gets a new key (the client its new
    cookie), of which `session_key_changed` tells, and the code counts as typed in this moment.

    Args:
        client: any test client of Django's, or of a package that subclasses it.
        factor: what `request.otp_gate.factor` will say.

    Raises:
        NobodyLoggedIn: log in first, by `client.force_login(user)` or as a person does.
        SynchronousOnlyOperation: this is an async test, which needs `averify`.
    """
    request = HttpRequest()
    # Not `client.session`, which makes one where there is none.
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    key = cookie.value if cookie else None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user_id = request.session.get(session.LOGIN)
    if user_id is None:
        raise NobodyLoggedIn(
            "Nobody is logged in in this client: call client.force_login(user) first, or "
            "login_verified(client, user) in place of both."
        )
    old_key = session.set_verified(request, user_id, factor)
    request.session.save()
    new_key = str(request.session.session_key)
    client.cookies[settings.SESSION_COOKIE_NAME] = new_key
    sender = get_user_model()
    if session_key_changed.has_listeners(sender):  # Otherwise the user is not loaded.
        user = request.user = get_user(request)
        session_key_changed.send_robust(
            sender=sender, request=request, user=user, old_key=old_key, new_key=new_key
        )


async def averify(client: Client | AsyncClient, *, factor: str = FACTOR) -> None:
    """See `verify`; for async tests."""
    await sync_to_async(verify)(client, factor=factor)


def login_verified(client: Client | AsyncClient, user: Any, backend: str | None = None) -> None:
    """Log a user in and verify him: `client.force_login(user, backend)`, then `verify(client)`."""
    client.force_login(user, backend)
    verify(client)


async def alogin_verified(
    client: Client | AsyncClient, user: Any, backend: str | None = None
) -> None:
    """See `login_verified`; for async tests."""
    await sync_to_async(login_verified)(client, user, backend)
