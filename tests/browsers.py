"""Browsers and programs for tests that run alike on WSGI and on ASGI."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from otp_gate import store
from tests.helpers import CANCEL, JSON, RESEND, VERIFY, codes_sent, wrong_code

SUBRESOURCE = {"sec-fetch-dest": "image"}
PREFETCH = {"sec-purpose": "prefetch"}
FRAME = {"sec-fetch-dest": "iframe"}


class AsyncBrowser:
    """A browser on an ASGI server, driven as if it were Django's `Client`."""

    def __init__(self, like: Client) -> None:
        self.client = AsyncClient(enforce_csrf_checks=like.handler.enforce_csrf_checks)
        self.client.cookies = like.cookies

    @property
    def cookies(self) -> Any:
        return self.client.cookies

    @property
    def session(self) -> Any:
        return self.client.session

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return async_to_sync(self.client.get)(*args, **kwargs)

    def head(self, *args: Any, **kwargs: Any) -> Any:
        return async_to_sync(self.client.head)(*args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        return async_to_sync(self.client.post)(*args, **kwargs)

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        async def ask() -> Any:
            return await self.client.generic(*args, **kwargs)

        return async_to_sync(ask)()


def post_json(client: Any, url: str, fields: Any = None, **kwargs: Any) -> Any:
    """Post a JSON body, as a program does."""
    return client.post(url, {} if fields is None else fields, "application/json", **kwargs)


def ask_for_code(client: Any) -> str:
    """Ask for a code as a program does; return it, read from the mail."""
    response = post_json(client, RESEND)
    assert response.status_code == 200, response.content
    return codes_sent()[-1]


def status_of(client: Any) -> Any:
    """Return as JSON what is pending."""
    return client.get(VERIFY, headers=JSON).json()


def is_in(client: Any) -> bool:
    """True if this browser is shown Alice's secret, or Bob's."""
    return client.get("/secret/").content in (b"secret of alice", b"secret of bob")


def reference_on(response: Any) -> str:
    """Return the code reference that stands on the page."""
    found = re.search(r'"otp-gate-reference">([A-Z][0-9])<', response.content.decode())
    assert found is not None
    return found[1]


def number_on(response: Any, term: str) -> int:
    """Return the number that the page gives for a term ("Attempts left")."""
    found = re.search(rf"<dt>{term}</dt>\s*<dd[^>]*>\D*(\d+)", response.content.decode())
    assert found is not None
    return int(found[1])


@contextmanager
def redis_commands() -> Iterator[list[str]]:
    """Collect the names of the commands that reach Redis."""
    seen: list[str] = []
    kind = type(store.client("default"))
    original = kind.execute_command

    def execute_command(self: Any, *args: Any, **options: Any) -> Any:
        # What a cluster's client asks by itself, once, is not what a request costs.
        if args[0] != "COMMAND":
            seen.append(args[0])
        return original(self, *args, **options)

    kind.execute_command = execute_command
    try:
        yield seen
    finally:
        kind.execute_command = original


def guess(client: Any, times: int = 1) -> Any:
    """Type a wrong code, again and again; return the last answer."""
    for _ in range(times):
        response = post_json(client, VERIFY, {"code": wrong_code()})
    return response


def refused_everywhere(client: Any) -> None:
    """Whatever is asked, the answer is a friendly 503, and the gate stays shut."""
    for response in (
        client.get(VERIFY + "?next=/secret/"),
        client.post(VERIFY, {"code": "123456", "next": "/secret/"}),
        client.post(VERIFY, {"code": "nonsense"}),
        client.post(RESEND),
    ):
        page = response.content.decode()
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
        assert "no-store" in response["Cache-Control"]
        assert "We cannot check codes right now" in page
        assert f'action="{CANCEL}"' in page
        assert f'href="{VERIFY}' in page
    for response in (
        client.get(VERIFY, headers=JSON),
        post_json(client, VERIFY, {"code": "123456"}),
        post_json(client, RESEND),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response["Retry-After"] == "5"
        assert response["Content-Type"] == "application/problem+json"
    assert client.get("/secret/").status_code == 302


def redis_at(port: int, **options: Any) -> dict[str, Any]:
    """Return CACHES with a Redis at this port."""
    location = f"redis://127.0.0.1:{port}/0"
    return {
        "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, **options}
    }
