"""WebSockets for tests: what stands behind the gate, and a client that says what it sees."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack, login, logout
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import re_path

from otp_gate.channels import OTPGateMiddleware

PATIENCE = 20
"""Seconds that an answer may take: a busy machine is slow, and no failure."""

HEARD: Counter[str] = Counter()
"""What reached the app inside, each thing so many times."""

REFUSED = (False, 4403)
UNAVAILABLE = (False, 1011)


class Echo(AsyncWebsocketConsumer):
    """Greets, says again what it hears, and logs people in and out."""

    async def connect(self) -> None:
        HEARD["connect"] += 1
        await self.accept()
        user = self.scope["user"]
        await self.send(user.get_username() or "nobody")

    async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
        HEARD[text_data] += 1
        if text_data.startswith("log in "):
            user = await get_user_model().objects.aget(username=text_data.split()[-1])
            await login(self.scope, user, "django.contrib.auth.backends.ModelBackend")
            await self.scope["session"].asave()
        if text_data == "log out":
            await logout(self.scope)
        await self.send(text_data)

    async def disconnect(self, code: int) -> None:
        HEARD[f"disconnect {code}"] += 1


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """The same without Channels; knows nothing of sessions."""
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            HEARD["connect"] += 1
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "plain"})
        elif message["type"] == "websocket.disconnect":
            HEARD[f"disconnect {message['code']}"] += 1
            return
        else:
            HEARD[message["text"]] += 1
            await send({"type": "websocket.send", "text": message["text"]})


def consumers() -> Any:
    return URLRouter([re_path("", Echo.as_asgi())])


SITES: dict[str, Callable[..., Any]] = {
    "inside": lambda **given: AuthMiddlewareStack(OTPGateMiddleware(consumers(), **given)),
    "outermost": lambda **given: OTPGateMiddleware(AuthMiddlewareStack(consumers()), **given),
    "plain": lambda **given: OTPGateMiddleware(plain, **given),
}
"""Where the gate may stand."""


def with_token(user: Any, app: Any) -> Any:
    """A middleware that knows by a token who comes."""

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "user": user}, receive, send)

    return middleware


def in_loop(test: Callable[..., Any]) -> Callable[..., None]:
    """Let a test be a coroutine."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async_to_sync(test)(*args, **kwargs)

    return run


def cookie_of(client: Client | None) -> list[tuple[bytes, bytes]]:
    name = settings.SESSION_COOKIE_NAME
    if client is None or name not in client.cookies:
        return []
    return [(b"cookie", f"{name}={client.cookies[name].value}".encode())]


class Socket(ApplicationCommunicator):
    """A socket as a browser opens it, with the cookie that it has.

    Not the one of `channels.testing`: that asks for daphne, a whole server that is not used here.
    """

    def __init__(self, app: Any, client: Client | None = None, path: str = "/ws/") -> None:
        path, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": cookie_of(client),
            "subprotocols": [],
        }
        super().__init__(app, scope)

    async def connect(self) -> Any:
        """Knock; True, or False with the close code."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(PATIENCE)
        if answer["type"] == "websocket.close":
            return False, answer["code"]
        assert answer["type"] == "websocket.accept"
        return True, 0

    async def ask(self) -> Any:
        """Knock; True with the greeting, or False with the close code."""
        is_open, code = await self.connect()
        if is_open:
            return True, await self.hears()
        await self.wait(PATIENCE)
        return False, code

    async def say(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hears(self) -> str:
        message = await self.receive_output(PATIENCE)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def says(self, text: str) -> str:
        """Say something; return what comes back."""
        await self.say(text)
        return await self.hears()

    async def closed(self) -> Any:
        """Return the close code, after the app has ended; nothing else may have come."""
        message = await self.receive_output(PATIENCE)
        assert message["type"] == "websocket.close", message
        await self.wait(PATIENCE)
        return message["code"]

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE)


async def knock(app: Any, client: Client | None = None, path: str = "/ws/", **scope: Any) -> Any:
    """See `Socket.ask`; and go away again, for what is left open would end with the loop only."""
    socket = Socket(app, client, path)
    socket.scope |= scope
    answer = await socket.ask()
    if answer[0]:
        await socket.leave()
    return answer


@asynccontextmanager
async def opened(site: str, client: Client | None, **given: Any) -> AsyncIterator[Socket]:
    """A socket that was let in; ended by the client if by nobody else."""
    socket = Socket(SITES[site](**given), client)
    answer = await socket.ask()
    assert answer[0], answer
    try:
        yield socket
    finally:
        if not socket.future.done():
            await socket.leave()


@asynccontextmanager
async def running(app: Any, scope: Any) -> AsyncIterator[tuple[asyncio.Queue[Any], list[Any]]]:
    """Run an app without Channels; give what goes in, and what came out."""
    coming: asyncio.Queue[Any] = asyncio.Queue()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    task = asyncio.create_task(app(scope, coming.get, send))
    try:
        yield coming, sent
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that is due on a busy machine as well."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


do = sync_to_async
