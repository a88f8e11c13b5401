"""An open connection of an ASGI app: what goes in and out of it waits for the look of the gate."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse

from otp_gate import identity, log_records
from otp_gate.consumer_logins import WATCH
from otp_gate.doors import Word
from otp_gate.liveness import FRESH, Watch
from otp_gate.responses import address_of, turn_away

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

CODES: dict[str, tuple[int, str]] = {"shut": (4403, "otp_required"), "unknown": (1011, "")}
"""The close code and reason. A fault is another one: a code typed in would not mend it."""

LAST = ("http.response.body", "http.response.pathsend", "http.response.zerocopysend")
"""What may end a response (ASGI and its extensions)."""

GRACE = 5.0
"""Seconds that an app has to end by itself once it was told that the connection is closed."""


class Connection(ABC):
    """What a socket and a request of HTTP have in common."""

    kind: str
    """What the log calls it."""
    disconnect: str
    """The type of the message that tells the app that its connection is gone."""

    def __init__(self, watch: Watch, interval: float, receive: Receive, send: Send) -> None:
        self.watch, self.interval = watch, interval
        self.outer_receive, self.outer_send = receive, send
        self.over: asyncio.Future[Word] = asyncio.get_running_loop().create_future()
        self.coming: asyncio.Future[Message] | None = None
        self.judged = 0.0
        self.is_closed = False

    async def run(self, app: App, scope: Message) -> None:
        """Run the app until it ends, or until its connection is taken away and its time is over."""
        inner = asyncio.ensure_future(self.run_inner(app, scope))
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

    async def run_inner(self, app: App, scope: Message) -> None:
        """Run the app in a context that says what watches it."""
        WATCH.set(self.watch)
        await app(scope, self.receive, self.send)

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
                return {"type": self.disconnect, **self.reason(self.over.result())}
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
        if message["type"] == self.disconnect:
            self.is_closed = True
        elif self.must_wait(message):
            await self.passes()
        # By the end of the look: one that takes long would else be too old for ever.
        self.judged = time.monotonic()
        return message

    async def send(self, message: Message) -> None:
        """Send what the app says, as long as the session is good; then it speaks to nobody."""
        if self.over.done() or (
            self.must_wait(message) and self.watch.is_stale() and not await self.passes()
        ):
            return
        self.note(message)
        await self.outer_send(message)

    async def passes(self) -> bool:
        """Look again; take the connection away if the session does not let it be any more."""
        word = await self.watch.aended()
        if word is not None and not self.over.done():
            await self.take_away(word)
        return not self.over.done()

    async def take_away(self, word: Word) -> None:
        log_records.write("connection_closed", self.watch.request, kind=self.kind, reason=word)
        self.over.set_result(word)
        # A client that is gone already need not be sent away.
        with suppress(OSError):
            if not self.is_closed:
                await self.end(word)

    @abstractmethod
    def reason(self, word: Word) -> Message:
        """Return why a connection ends, in the fields that its kind has for it."""

    @abstractmethod
    def must_wait(self, message: Message) -> bool:
        """Return True for a message that may show something, or lets something be done."""

    @abstractmethod
    def note(self, message: Message) -> None:
        """Remember how far the app has come in its answer."""

    @abstractmethod
    async def end(self, word: Word) -> None:
        """Tell the client that it is over."""


class SocketConnection(Connection):
    """One WebSocket."""

    kind = "WebSocket"
    disconnect = "websocket.disconnect"

    def reason(self, word: Word) -> Message:
        """See `Connection`."""
        return {"code": CODES[word][0], "reason": ""}

    def must_wait(self, message: Message) -> bool:
        """See `Connection`."""
        return message["type"] not in ("websocket.close", "websocket.connect")

    def note(self, message: Message) -> None:
        """See `Connection`."""
        if message["type"] == "websocket.close":
            self.is_closed = True

    async def end(self, word: Word) -> None:
        """See `Connection`."""
        code, reason = CODES[word]
        await self.outer_send({"type": "websocket.close", "code": code, "reason": reason})


class HttpConnection(Connection):
    """One request that an app answers without Django, at once or little by little."""

    kind = "HTTP response"
    disconnect = "http.disconnect"
    is_started = False
    has_length = False

    def reason(self, word: Word) -> Message:
        """See `Connection`."""
        return {}

    def must_wait(self, message: Message) -> bool:
        """See `Connection`. The body of the request belongs to what was judged as it began."""
        return bool(message["type"] != "http.request")

    def note(self, message: Message) -> None:
        """See `Connection`."""
        if message["type"] == "http.response.start":
            self.is_started = True
            names = [bytes(name).lower() for name, _ in message.get("headers", ())]
            self.has_length = b"content-length" in names
        elif message["type"] in LAST and not message.get("more_body"):
            self.is_closed = True

    async def end(self, word: Word) -> None:
        """See `Connection`. An answer of known length is left incomplete: the server aborts it."""
        if not self.is_started:
            await refuse_request(self.watch.request, word, self.outer_send)
        elif not self.has_length:
            await self.outer_send({"type": "http.response.body", "body": b""})


async def refuse_socket(word: Word, receive: Receive, send: Send) -> None:
    """Close a socket before it is open; servers answer the handshake with 403."""
    if (await receive())["type"] == "websocket.connect":
        code, reason = CODES[word]
        await send({"type": "websocket.close", "code": code, "reason": reason})


async def refuse_request(request: HttpRequest, word: Word, send: Send) -> None:
    """Answer a request in place of the app, as the gate's middleware answers in place of a view."""
    response = turn_away(request) if word == "shut" else unavailable(request)
    headers = {**response.headers, "Content-Length": str(len(response.content))}
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
    await send({"type": "http.response.body", "body": response.content})


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer where nobody can say who asks: 503."""
    from otp_gate import pages  # By the worker that meets a fault.

    identity.become_anonymous(request)
    return pages.unavailable(request, retry_url=address_of(request), sign_out=False)
