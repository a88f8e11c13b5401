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

from django.http import HttpRequest

from otp_gate import log_records, proofs
from otp_gate.conf import gate_config
from otp_gate.liveness import Watch, check_interval
from otp_gate.state import gate_state

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
    stranger, an exempt view, report mode) nothing can end, and all of it is given. Where the view
    acts for another user than the gate judged, nothing is given, unless this session was verified
    for that user too.

    Args:
        request: the one that is answered.
        content: an iterable or async iterable, as `StreamingHttpResponse` takes it.
        interval: seconds.

    Raises:
        ValueError: the interval is no positive number.
        ImproperlyConfigured: the gate is not in MIDDLEWARE.
    """
    check_interval(interval)
    state = gate_state(request)
    # Asked again with the first chunk: only an async iterator can ask `auser`, and a view may
    # exchange the user between this call and its return.
    was_settled = state.is_settled(request)
    watch = Watch(request, request.session)
    watch.begin()
    if isinstance(content, AsyncIterable):
        return AsyncStream(watch, content, interval, was_settled)
    return Stream(watch, content, was_settled)


def must_ask(request: HttpRequest, was_settled: bool) -> bool:
    """True if the view may act for another user than the one that the gate judged."""
    if gate_config().mode == "report":
        return False
    return not (was_settled and gate_state(request).is_settled(request))


def may_see(request: HttpRequest, names: proofs.Names) -> bool:
    """True if a view acts for nobody, for the user that the gate judged, or for a verified one.

    A user who logged in inside the view is none of them: the gate has judged the one before.
    """
    state = gate_state(request)
    judged = None if state.status == "half" else state.user_id
    is_known = names in ((None, None), (judged, None))
    if is_known or (names[0] and proofs.standing_of(request, names, None) == "proved"):
        return True
    log_records.write("stream_refused", request)
    return False


class Stream:
    """An iterator that ends with the session. No generator, whose `close` before its first chunk
    would leave the content open."""

    def __init__(self, watch: Watch, content: Iterable[Any], was_settled: bool) -> None:
        self.watch, self.content, self.was_settled = watch, content, was_settled
        self.is_new = True
        self.chunks = iter(content)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        if self.is_new:
            self.is_new, request = False, self.watch.request
            asks = must_ask(request, self.was_settled)
            if asks and not may_see(request, proofs.acting(request)):
                self.end()
        chunk = next(self.chunks)
        if self.watch.is_stale() and self.watch.ended():
            self.end()
            raise StopIteration
        return chunk

    def end(self) -> None:
        self.close()
        self.chunks = iter(())

    def close(self) -> None:
        """Close the content, as Django does at the end of a response."""
        close = getattr(self.content, "close", None)
        if close is not None:
            close()


class AsyncStream:
    """See `Stream`; it ends while the content is silent, too."""

    def __init__(
        self, watch: Watch, content: AsyncIterable[Any], interval: float, was_settled: bool
    ) -> None:
        self.watch, self.interval, self.was_settled = watch, interval, was_settled
        self.is_new = True
        self.chunks = aiter(content)
        self.is_over = False
        # Each chunk is waited for by a task of its own; the content is to see one context.
        self.context = copy_context()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Any:
        if self.is_new:
            self.is_new, request = False, self.watch.request
            asks = must_ask(request, self.was_settled)
            if asks and not may_see(request, await proofs.aacting(request)):
                await self.aclose()
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
