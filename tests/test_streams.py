"""Server-sent events and long streams: how they end, on WSGI and on ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.http import HttpRequest
from django.test import AsyncClient, Client

from otp_gate import liveness
from otp_gate.streams import while_verified
from tests.gates import GATE, put_around_gate, restarted
from tests.helpers import log_in
from tests.sockets import do, in_loop
from tests.test_channels import ENDS, broken_store, log_out
from tests.urlconfs.streams import TOLD, Parts, events

__all__ = ["broken_store"]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.streams"
    TOLD.clear()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look holds for longer than it takes."""
    monkeypatch.setattr(liveness, "FRESH", -1.0)


async def read(chunks: AsyncIterator[bytes], until: int = 10**6) -> list[str]:
    """Return the next chunks, up to so many."""
    found: list[str] = []
    while len(found) < until:
        try:
            async with asyncio.timeout(20):
                found.append((await anext(chunks)).decode())
        except StopAsyncIteration:
            break
    return found


def told() -> tuple[int, bool]:
    """Return how many events the content made, and whether it was closed."""
    return len([it for it in TOLD if it != "closed"]), TOLD[-1:] == ["closed"]


# By default


def test_by_default_a_stream_goes_on(verified: Client) -> None:
    """What was allowed when it began is given to its end, also after the log-out."""
    chunks = iter(verified.get("/plain-events/").streaming_content)
    assert next(chunks) == b"data: 0\n\n"
    log_out(verified)
    assert len(list(chunks)) == 999
    assert told() == (1000, True)


@in_loop
async def test_by_default_a_stream_goes_on_under_asgi(
    verified: Client, averified: AsyncClient
) -> None:
    """The same."""
    response: Any = await averified.get("/aplain-events/")
    chunks = aiter(response.streaming_content)
    assert await read(chunks, 1) == ["data: 0\n\n"]
    await do(log_out)(verified)
    assert len(await read(chunks)) == 999
    assert told() == (1000, True)


# While verified


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_with_the_session(
    verified: Client, always: None, end: Callable[[Client], None]
) -> None:
    """Not one more chunk, and the content is closed."""
    response = verified.get("/events/")
    chunks = iter(response.streaming_content)
    assert [next(chunks), next(chunks)] == [b"data: 0\n\n", b"data: 1\n\n"]
    end(verified)
    assert list(chunks) == []
    assert told() == (3, True)
    assert list(chunks) == []
    response.close()


@pytest.mark.parametrize("end", ENDS)
@in_loop
async def test_it_ends_with_the_session_under_asgi(
    verified: Client, averified: AsyncClient, always: None, end: Callable[[Client], None]
) -> None:
    """The same."""
    response: Any = await averified.get("/aevents/")
    chunks = aiter(response.streaming_content)
    assert await read(chunks, 2) == ["data: 0\n\n", "data: 1\n\n"]
    await do(end)(verified)
    assert await read(chunks) == []
    assert told() == (3, True)
    assert await read(chunks) == []


@in_loop
async def test_it_ends_while_it_is_silent(verified: Client, averified: AsyncClient) -> None:
    """Under ASGI nothing need be said for that; and while the session is good, it waits."""
    response: Any = await averified.get("/asilent-events/")
    chunks = aiter(response.streaming_content)
    assert await read(chunks, 1) == ["data: 0\n\n"]
    waiting = asyncio.create_task(read(chunks))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await do(log_out)(verified)
    assert await asyncio.wait_for(waiting, 20) == []
    assert told() == (1, True)


def test_a_look_holds_for_a_second(verified: Client, django_assert_num_queries: Any) -> None:
    """A thousand chunks in that time cost nothing."""
    chunks = iter(verified.get("/events/").streaming_content)
    with django_assert_num_queries(0):
        assert len(list(chunks)) == 1000


def test_each_look_reads_the_session_and_the_user(
    verified: Client, always: None, django_assert_num_queries: Any
) -> None:
    """Two queries, and none that writes."""
    chunks = iter(verified.get("/events/").streaming_content)
    with django_assert_num_queries(2) as queries:
        next(chunks)
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


@in_loop
async def test_who_goes_away_ends_it(verified: Client, averified: AsyncClient) -> None:
    """The content hears of it, and no task is left behind."""
    response: Any = await averified.get("/asilent-events/")
    chunks = aiter(response.streaming_content)
    assert await read(chunks, 1) == ["data: 0\n\n"]
    waiting = asyncio.create_task(read(chunks))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert told() == (1, True)
    assert len(asyncio.all_tasks()) == 1


def test_content_is_closed_before_its_first_chunk(verified: Client) -> None:
    """As Django closes it where a client has gone by then."""
    closed = []

    class Content:
        def __iter__(self) -> Iterator[str]:
            return iter(["one"])

        def close(self) -> None:
            closed.append(True)

    request = verified.get("/plain/").wsgi_request
    stream: Any = while_verified(request, Content())
    stream.close()
    assert closed == [True]


@pytest.mark.parametrize("path", ["/short/", "/ashort/"])
def test_what_ends_by_itself(passed: Any, path: str) -> None:
    """A list, or whatever can be iterated and not closed."""

    async def all_of(response: Any) -> str:
        return "".join([part.decode() async for part in response.streaming_content])

    response = passed.get(path)
    if response.is_async:
        assert async_to_sync(all_of)(response) == "all of it"
    else:
        assert b"".join(response.streaming_content) == b"all of it"


@in_loop
async def test_what_cannot_be_closed_ends_all_the_same(verified: Client, always: None) -> None:
    """It is simply not asked again, however often the stream is."""
    request = (await do(verified.get)("/plain/")).wsgi_request
    stream: Any = while_verified(request, Parts())
    assert await anext(stream) == "all "
    await do(log_out)(verified)
    for _ in range(2):
        assert await anext(stream, "the end") == "the end"


def test_what_cannot_be_closed_ends_on_wsgi(verified: Client, always: None) -> None:
    """A list, say."""
    request = verified.get("/plain/").wsgi_request
    stream: Any = while_verified(request, ["all ", "of ", "it"])
    assert next(stream) == "all "
    log_out(verified)
    for _ in range(2):
        assert next(stream, "the end") == "the end"


# Who has no session that could end


@pytest.mark.parametrize("path", ["/events/", "/open-events/"])
def test_a_stranger_is_given_all_of_it(client: Client, db: None, always: None, path: str) -> None:
    """As the view gives it without that."""
    assert len(list(client.get(path).streaming_content)) == 1000


def test_on_an_exempt_view_the_half_authenticated_are_strangers(half: Client, always: None) -> None:
    """The view sees nobody, and so does what it sends."""
    assert len(list(half.get("/open-events/").streaming_content)) == 1000


def test_report_mode_ends_nothing(half: Client, settings: Any, always: None) -> None:
    """It lets everybody through, and to the end."""
    settings.OTP_GATE = {"MODE": "report"}
    chunks = iter(half.get("/events/").streaming_content)
    next(chunks)
    log_out(half)
    assert len(list(chunks)) == 999


def test_whom_the_policy_excuses(half: Client, settings: Any, always: None) -> None:
    """He has a session, and it can end; or the policy may hold him by now."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    for end in (lambda: User.objects.update(is_staff=True), lambda: log_out(half)):
        chunks = iter(half.get("/events/").streaming_content)
        next(chunks)
        end()
        assert list(chunks) == []
        User.objects.update(is_staff=False)


def test_who_is_known_by_other_means(
    settings: Any, client: Client, alice: Any, always: None
) -> None:
    """By a header, say: it ends when he is deactivated."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    put_around_gate(settings, before=["tests.middlewares.Tokens"])
    chunks = iter(restarted(client).get("/events/", headers={"x-token": "alice"}).streaming_content)
    assert next(chunks) == b"data: 0\n\n"
    User.objects.update(is_active=False)
    assert list(chunks) == []


# What goes wrong


@pytest.mark.parametrize("error", [OSError, DatabaseError])
def test_a_store_that_is_down_ends_it(
    verified: Client, always: None, broken_store: Any, error: type[Exception], caplog: Any
) -> None:
    """Nobody can say who is there; the stream ends, and raises nothing."""
    broken_store.error = error
    chunks = iter(verified.get("/events/").streaming_content)
    broken_store.times = 1
    assert next(chunks) == b"data: 0\n\n"
    broken_store.times = 10**9
    assert list(chunks) == []
    assert f"Unavailable: session ({error.__name__})" in caplog.messages


def test_a_policy_that_breaks_ends_it(
    half: Client, settings: Any, always: None, caplog: Any
) -> None:
    """With its traceback in the log; also where the store had failed before."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    chunks = iter(half.get("/events/").streaming_content)
    next(chunks)
    settings.OTP_GATE = {"POLICY": "tests.policies.broken"}
    assert list(chunks) == []
    assert "the policy is broken" in caplog.text


def test_without_the_gate_it_says_what_is_missing(settings: Any, client: Client) -> None:
    """And does not guess."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != GATE]
    with pytest.raises(ImproperlyConfigured, match=GATE):
        client.get("/events/")


@pytest.mark.parametrize("interval", [0, -1, None, "5", True])
def test_an_interval_that_is_none_is_refused(interval: Any) -> None:
    """Before anything has begun to flow."""
    with pytest.raises(ValueError, match="positive number of seconds"):
        while_verified(HttpRequest(), events(), interval)


def test_a_login_in_between_ends_it(verified: Client, always: None) -> None:
    """The same person, and half-authenticated again."""
    chunks = iter(verified.get("/events/").streaming_content)
    next(chunks)
    log_in(verified)
    assert list(chunks) == []


# Another user than the one that the gate judged


def whole(client: Client, path: str) -> str:
    """Return all that a stream gives; on an ASGI server where the view is async."""

    async def awhole() -> bytes:
        browser = AsyncClient()
        browser.cookies = client.cookies
        response: Any = await browser.get(path)
        return b"".join([chunk async for chunk in response.streaming_content])

    if path.startswith("/a"):
        return async_to_sync(awhole)().decode()
    return b"".join(client.get(path).streaming_content).decode()


@pytest.mark.parametrize("view", ["exchanged", "aexchanged"])
def test_user_exchanged_after_the_wrapping_is_given_nothing(
    bob: Any, verified: Client, view: str
) -> None:
    """The code of the first user proves nothing about the second."""
    assert whole(verified, f"/{view}/") == ""


@pytest.fixture(params=["client", "verified"])
def browser(request: pytest.FixtureRequest, alice: Any, bob: Any) -> Any:
    """The browser of a stranger, or of a verified user."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("view", ["logs-in", "alogs-in"])
@pytest.mark.parametrize("name", ["alice", "bob"])
@pytest.mark.parametrize(("hides", "given"), [("auto", "private of "), ("never", "")])
def test_login_inside_the_view_gives_its_stream_nothing(
    settings: Any, browser: Client, view: str, name: str, hides: str, given: str
) -> None:
    """Not by the password alone, also where the project does not hide the user."""
    settings.OTP_GATE = {"HIDE_AFTER_LOGIN": hides}
    assert whole(browser, f"/{view}/?name={name}") == given


@pytest.mark.parametrize("view", ["logs-in-later", "alogs-in-later"])
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_login_inside_the_content_ends_the_stream(
    settings: Any, browser: Client, view: str, name: str
) -> None:
    """At once, although the last look is not a second old."""
    settings.OTP_GATE = {"HIDE_AFTER_LOGIN": "never"}
    assert whole(browser, f"/{view}/?name={name}") == "nothing yet; "


@pytest.mark.parametrize("view", ["logs-in-later", "alogs-in-later"])
def test_login_of_a_user_who_need_not_verify_ends_no_stream(
    alice: Any, settings: Any, client: Client, view: str
) -> None:
    """By the session as the content has it: nothing is saved yet."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    assert whole(client, f"/{view}/?name=alice") == "nothing yet; private of alice"
