"""The suite's project with a WebSocket at every path, as an ASGI server starts it."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application


def application() -> Any:
    pages = get_asgi_application()  # First, for consumers need the models.

    from channels.routing import ProtocolTypeRouter

    from tests.sockets import SITES

    return ProtocolTypeRouter({"http": pages, "websocket": SITES["inside"](interval=0.2)})
