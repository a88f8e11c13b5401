"""Server-sent events, as long as the session is good, or until they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar

from django.http import HttpRequest, StreamingHttpResponse
from django.urls import include, path

from otp_gate.decorators import otp_exempt
from otp_gate.streams import while_verified
from tests.urls import urlpatterns as pages

TOLD: list[str] = []
"""What the content has done."""

WHO = ContextVar("WHO", default="nobody")


def events() -> Iterator[str]:
    try:
        for number in range(1000):
            TOLD.append(str(number))
            yield f"data: {number}\n\n"
    finally:
        TOLD.append("closed")


async def aevents(*, then_silent: bool = False) -> AsyncIterator[str]:
    WHO.set("the content")
    try:
        for number in range(1000):
            assert WHO.get() == "the content"
            TOLD.append(str(number))
            yield f"data: {number}\n\n"
            await asyncio.sleep(3600 if then_silent else 0)
    finally:
        TOLD.append("closed")


def plain(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(events(), content_type="text/event-stream")


async def aplain(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(aevents(), content_type="text/event-stream")


def watched(request: HttpRequest) -> StreamingHttpResponse:
    content = while_verified(request, events())
    return StreamingHttpResponse(content, content_type="text/event-stream")


async def awatched(request: HttpRequest) -> StreamingHttpResponse:
    content = while_verified(request, aevents())
    return StreamingHttpResponse(content, content_type="text/event-stream")


async def asilent(request: HttpRequest) -> StreamingHttpResponse:
    content = while_verified(request, aevents(then_silent=True), interval=0.05)
    return StreamingHttpResponse(content, content_type="text/event-stream")


def short(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(while_verified(request, ["all ", "of it"]))


class Parts:
    """An async iterator that is no generator, and so cannot be closed."""

    def __init__(self) -> None:
        self.left = ["all ", "of it"]

    def __aiter__(self) -> Parts:
        return self

    async def __anext__(self) -> str:
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


async def ashort(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(while_verified(request, Parts()))


urlpatterns = [
    path("plain-events/", plain),
    path("aplain-events/", aplain),
    path("events/", watched, name="events"),
    path("aevents/", awatched),
    path("asilent-events/", asilent),
    path("open-events/", otp_exempt(watched)),
    path("aopen-events/", otp_exempt(awatched)),
    path("short/", short),
    path("ashort/", ashort),
    path("", include(pages)),
]
