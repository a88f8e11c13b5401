"""The suite's project with a WebSocket at every path and an HTTP consumer at two, as a server starts it."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application


def application() -> Any:
    pages = get_asgi_application()  # First, for consumers need the models.

    from channels.auth import AuthMiddlewareStack
    from channels.routing import ProtocolTypeRouter, URLRouter
    from django.urls import path, re_path

    from otp_gate.channels import OTPGateMiddleware
    from tests.sockets import SITES
    from tests.test_consumers import Events, Feed

    consumers = URLRouter(
        [
            path("consumed/", Events.as_asgi()),
            path("feed/", Feed.as_asgi()),
            re_path("", pages),
        ]
    )
    return ProtocolTypeRouter(
        {
            "http": AuthMiddlewareStack(OTPGateMiddleware(consumers, interval=0.2)),
            "websocket": SITES["inside"](interval=0.2),
        }
    )
