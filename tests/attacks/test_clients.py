"""A-27 and A-28: ways around the door by what speaks no ordinary HTTP."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from django.test import Client

from tests.sockets import HEARD, REFUSED, SITES, Socket, consumers, in_loop


@in_loop
async def test_a_27_no_socket_opens_by_a_password_alone(half: Client) -> None:
    """Wherever the gate stands; and without it the socket does open, as the docs say."""
    HEARD.clear()
    for site in SITES.values():
        for path in ("/ws/", "/", "/open/", "/otp/", "/static/ws"):
            assert await Socket(site(), half, path).ask() == REFUSED
    assert not HEARD
    assert await Socket(AuthMiddlewareStack(consumers()), half).ask() == (True, "alice")
