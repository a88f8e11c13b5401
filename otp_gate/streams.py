"""Server-sent events and long downloads: what has begun to flow, the gate cannot take back.

By default a stream goes on until it ends, whatever becomes of the session meanwhile. One that
shall not is wrapped:

    events = while_verified(request, events_of(request.user))
    return StreamingHttpResponse(events, content_type="text/event-stream")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextvars import copy_context
from typing import Any, TypeVar, overload

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from otp_gate.liveness import Watch, check_interval

Chunk = TypeVar("Chunk")


@overload
def while_verified(
    request: HttpRequest, content: AsyncIterable[Chunk], interval: float = 5
) -> AsyncIterator[Chunk]: ...
@overload
def while_verified(
    request: HttpRequest, content: Iterable[Chunk], interval: float = 5
) -> Iterator[Chunk]: ...
def while_verified(request: HttpRequest, content: Any, interval: float = 5) -> Any:
    """Give what `content` gives, until the session has ended or lost its mark.

    The session is looked at before a chunk goes out, if the last look is older than a second; and
    if an async iterator is silent, every `interval` seconds. A sync one cannot be interrupted while
    it is silent: it ends instead of its next chunk. Where no session lets the request pass (a
    stranger, an exempt view, report mode) nothing can end, and all of it is given.

    Args:
        request: the one that is answered.
        content: an iterable or async iterable, as `StreamingHttpResponse` takes it.
        interval: seconds.

    Raises:
        ValueError: the interval is no positive number.
        ImproperlyConfigured: the gate is not in MIDDLEWARE.
    """
    check_interval(interval)
    if not hasattr(request, "otp_gate"):
        raise ImproperlyConfigured(
            "while_verified needs 'otp_gate.middleware.OTPGateMiddleware' in MIDDLEWARE."
        )
    watch = Watch(request, request.session)
    watch.begin()
    if isinstance(content, AsyncIterable):
        return AsyncStream(watch, content, interval)
    return Stream(watch, content)


class Stream:
    """An iterator that ends with the session. No generator, whose `close` before its first chunk
    would leave the content open."""

    def __init__(self, watch: Watch, content: Iterable[Any]) -> None:
        self.watch, self.content = watch, content
        self.chunks = iter(content)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        chunk = next(self.chunks)
        if self.watch.is_stale() and self.watch.ended():
            self.close()
            self.chunks = iter(())
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Close the content, as Django does at the end of a response."""
        close = getattr(self.content, "close", None)
        if close is not None:
            close()


class AsyncStream:
    """See `Stream`; it ends while the content is silent, too."""

    def __init__(self, watch: Watch, content: AsyncIterable[Any], interval: float) -> None:
        self.watch, self.interval = watch, interval
        self.chunks = aiter(content)
        self.is_over = False
        # Each chunk is waited for by a task of its own; the content is to see one context.
        self.context = copy_context()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Any:
        if self.is_over:
            raise StopAsyncIteration
        step = asyncio.create_task(self.step(), context=self.context)
        try:
            while not step.done():
                await asyncio.wait({step}, timeout=self.interval)
                if (not step.done() or self.watch.is_stale()) and await self.watch.aended():
                    self.is_over = True
                    break
        finally:
            # Where the session has ended, or the client has gone.
            if not step.done():
                step.cancel()
                await asyncio.wait({step})
        if self.is_over:
            await self.aclose()
            raise StopAsyncIteration
        return step.result()

    async def step(self) -> Any:
        return await anext(self.chunks)

    async def aclose(self) -> None:
        """Close the content, if it can be closed."""
        self.is_over = True
        aclose = getattr(self.chunks, "aclose", None)
        if aclose is not None:
            await aclose()
