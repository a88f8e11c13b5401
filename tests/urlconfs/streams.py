"""Server-sent events, as long as the session is good, or until they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar

from django.contrib.auth import alogin, login
from django.contrib.auth.models import User
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


def private(request: HttpRequest) -> Iterator[str]:
    yield f"private of {request.user.get_username()}"


async def aprivate(request: HttpRequest) -> AsyncIterator[str]:
    yield f"private of {(await request.auser()).get_username()}"


def exchanged(request: HttpRequest) -> StreamingHttpResponse:
    """Puts another user into the request between the wrapping and the first chunk."""
    content = while_verified(request, private(request))
    request.user = User.objects.get(username="bob")
    return StreamingHttpResponse(content)


async def aexchanged(request: HttpRequest) -> StreamingHttpResponse:
    content = while_verified(request, aprivate(request))
    bob = request.user = await User.objects.aget(username="bob")

    async def auser() -> User:
        return bob

    request.auser = auser
    return StreamingHttpResponse(content)


def logs_in(request: HttpRequest) -> StreamingHttpResponse:
    """A login before its stream begins."""
    login(request, User.objects.get(username=request.GET["name"]))
    return StreamingHttpResponse(while_verified(request, private(request)))


async def alogs_in(request: HttpRequest) -> StreamingHttpResponse:
    await alogin(request, await User.objects.aget(username=request.GET["name"]))
    return StreamingHttpResponse(while_verified(request, aprivate(request)))


def logs_in_later(request: HttpRequest) -> StreamingHttpResponse:
    """A login inside the content."""

    def content() -> Iterator[str]:
        yield "nothing yet; "
        login(request, User.objects.get(username=request.GET["name"]))
        yield from private(request)

    return StreamingHttpResponse(while_verified(request, content()))


async def alogs_in_later(request: HttpRequest) -> StreamingHttpResponse:
    async def content() -> AsyncIterator[str]:
        yield "nothing yet; "
        await alogin(request, await User.objects.aget(username=request.GET["name"]))
        async for chunk in aprivate(request):
            yield chunk

    return StreamingHttpResponse(while_verified(request, content()))


urlpatterns = [
    path("exchanged/", exchanged),
    path("aexchanged/", aexchanged),
    path("logs-in/", logs_in),
    path("alogs-in/", alogs_in),
    path("logs-in-later/", logs_in_later),
    path("alogs-in-later/", alogs_in_later),
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
