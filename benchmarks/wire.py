"""Requests as a server hands them to Django, without a server."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any


def environ(path: str, cookie: str) -> dict[str, Any]:
    found = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "HTTP_ACCEPT": "text/html,application/xhtml+xml",
    }
    return found | {"HTTP_COOKIE": cookie} if cookie else found


def scope(path: str, cookie: str) -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"accept", b"text/html,application/xhtml+xml")]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers + ([(b"cookie", cookie.encode())] if cookie else []),
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }


def call(handler: Any, given: dict[str, Any]) -> int:
    """Answer one request as a WSGI server would have it."""
    status: list[str] = []
    response = handler(given, lambda line, headers, info=None: status.append(line))
    b"".join(response)
    response.close()
    return int(status[0].split()[0])


async def acall(handler: Any, given: dict[str, Any]) -> int:
    """Answer one request as an ASGI server would have it (see `together` about the thread)."""
    status: list[int] = []
    incoming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await asyncio.sleep(3600)  # Nobody hangs up.
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    await handler.handle(given, receive, send)
    return status[0]
