"""The gate for WebSockets: around a consumer of Channels, or around any ASGI app.

    application = ProtocolTypeRouter({
        "http": get_asgi_application(),
        "websocket": AuthMiddlewareStack(OTPGateMiddleware(URLRouter(websocket_urlpatterns))),
    })

It stands inside of whatever puts a user into the scope, for it cannot judge whom it does not see.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.urls import ResolverMatch

from otp_gate.conf import gate_config
from otp_gate.liveness import FRESH, WATCHED, Watch, Word, check_interval

logger = logging.getLogger("otp_gate")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

CODES: dict[str, tuple[int, str]] = {"shut": (4403, "otp_required"), "unknown": (1011, "")}
"""The close code and reason. A fault is another one: a code typed in would not mend it."""

GRACE = 5.0
"""Seconds that an app has to end by itself once it was told that the socket is closed."""

PLACE = "(WebSocket)"
"""What report mode calls it: the path may hold names and secrets, and has no pattern here."""


class OTPGateMiddleware:
    """Refuse sockets of half-authenticated sessions; close an open one when its session ends.

    Args:
        app: the ASGI application inside. Scopes that are no `websocket` go to it untouched.
        interval: seconds after which an idle socket is looked at again. The session is looked at
            besides whenever a message comes in, and before one goes out if the last look is older
            than a second.

    Raises:
        ValueError: the interval is no positive number.
        ImproperlyConfigured: a key or value of OTP_GATE is wrong.
    """

    def __init__(self, app: App, *, interval: float = 5) -> None:
        gate_config()  # A wrong setting stops the server, not the first connection.
        check_interval(interval)
        self.app = app
        self.interval = interval

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return await self.app(scope, receive, send)
        request = request_of(scope)
        kept = scope.get("session")
        if not hasattr(kept, "session_key"):
            kept = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        watch = Watch(request, kept)
        word = await watch.abegin(scope.get("user"))
        if word in CODES:
            return await refuse(word, receive, send)
        if word == "exempt":
            # An open path sees nobody, as an open view does.
            return await self.app({**scope, "user": AnonymousUser()}, receive, send)
        if word in WATCHED or "session" in scope:
            return await Connection(watch, self.interval, receive, send).run(self.app, scope)
        return await self.app(scope, receive, send)


def request_of(scope: Message) -> HttpRequest:
    """Return the request by which a socket is asked for, as a policy wants it."""
    # Bytes that are no UTF-8 are nobody's fault but the client's: not worth an error.
    query = scope.get("query_string", b"").decode("utf-8", "replace").encode()
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    asked = {**scope, "method": "GET", "scheme": scheme, "query_string": query}
    request = ASGIRequest(asked, BytesIO())
    request.resolver_match = ResolverMatch(refuse, (), {}, url_name=PLACE)
    return request


async def refuse(word: Word, receive: Receive, send: Send) -> None:
    """Close a socket before it is open; servers answer the handshake with 403."""
    if (await receive())["type"] == "websocket.connect":
        code, reason = CODES[word]
        await send({"type": "websocket.close", "code": code, "reason": reason})


class Connection:
    """One socket; what goes in and out of it waits for the look of the gate."""

    def __init__(self, watch: Watch, interval: float, receive: Receive, send: Send) -> None:
        self.watch, self.interval = watch, interval
        self.outer_receive, self.outer_send = receive, send
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.coming: asyncio.Future[Message] | None = None
        self.judged = 0.0
        self.is_closed = False

    async def run(self, app: App, scope: Message) -> None:
        """Run the app until it ends, or until its socket is taken away and its time is over."""
        inner = asyncio.ensure_future(app(scope, self.receive, self.send))
        guard = asyncio.ensure_future(self.guard())
        try:
            await asyncio.wait({inner, guard}, return_when=asyncio.FIRST_COMPLETED)
            if guard.done():
                await asyncio.wait({inner}, timeout=GRACE)
        finally:
            tasks: list[asyncio.Future[Any]] = [inner, guard]
            tasks += [] if self.coming is None else [self.coming]
            for task in tasks:
                task.cancel()
            # Until they have really ended: what an app does in its `finally` is done here.
            await asyncio.wait(tasks)
        if not inner.cancelled():
            inner.result()

    async def guard(self) -> None:
        """Look again whenever nothing has given cause to for an interval; end with the socket."""
        while not self.over.done():
            due = self.watch.looked + self.interval - time.monotonic()
            if due > 0:
                await asyncio.wait({self.over}, timeout=due)
            else:
                await self.passes()

    async def receive(self) -> Message:
        """Give the app the next message of a session that is still good."""
        while True:
            # One task for one message and its look, however often an app gives up waiting:
            # neither may get lost, nor begin anew each time.
            if self.coming is None:
                self.coming = asyncio.ensure_future(self.next())
            either: set[asyncio.Future[Any]] = {self.coming, self.over}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self.over.done():
                return {"type": "websocket.disconnect", "code": self.over.result(), "reason": ""}
            message = self.coming.result()
            if time.monotonic() - self.judged <= FRESH:
                self.coming = None
                return message
            # It has waited for the app, and whoever sent it may be gone since.
            self.coming = asyncio.ensure_future(self.next(message))

    async def next(self, message: Message | None = None) -> Message:
        """Take in a message, if there is none yet, and look whether it may be handed on."""
        if message is None:
            message = await self.outer_receive()
        if message["type"] == "websocket.disconnect":
            self.is_closed = True
        elif message["type"] == "websocket.receive":
            await self.passes()
        # By the end of the look: one that takes long would else be too old for ever.
        self.judged = time.monotonic()
        return message

    async def send(self, message: Message) -> None:
        """Send what the app says, as long as the session is good; then it speaks to nobody."""
        if self.over.done() or (
            message["type"] != "websocket.close"
            and self.watch.is_stale()
            and not await self.passes()
        ):
            return
        if message["type"] == "websocket.close":
            self.is_closed = True
        await self.outer_send(message)

    async def passes(self) -> bool:
        """Look again; take the socket away if the session does not let it be any more."""
        word = await self.watch.aended()
        if word is not None and not self.over.done():
            await self.take_away(word)
        return not self.over.done()

    async def take_away(self, word: Word) -> None:
        code, reason = CODES[word]
        logger.info("Closed a WebSocket: %s", word, extra={"request": self.watch.request})
        self.over.set_result(code)
        # Who is gone already need not be sent away.
        with suppress(OSError):
            if not self.is_closed:
                await self.outer_send({"type": "websocket.close", "code": code, "reason": reason})
