"""WebSockets: who is let in, and whose socket is closed again, and when."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.test import Client

from otp_gate import connections, liveness, reports
from otp_gate.channels import OTPGateMiddleware
from tests.commands import manage
from tests.helpers import PASSWORD, log_in, pass_gate
from tests.servers import ROOT
from tests.sockets import (
    HEARD,
    REFUSED,
    SITES,
    UNAVAILABLE,
    Socket,
    do,
    in_loop,
    knock,
    opened,
    plain,
    running,
    until,
    with_token,
)

NEVER = 3600
"""An interval after which no test is there any more."""


@pytest.fixture(autouse=True)
def silence(settings: Any) -> Iterator[None]:
    """Nobody has said anything yet."""
    HEARD.clear()
    yield
    HEARD.clear()


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> str:
    """Each place where the gate may stand."""
    return str(request.param)


# Who is let in


@in_loop
async def test_the_half_authenticated_are_refused(half: Client, site: str) -> None:
    """Before the socket is open, and before the app inside has heard of it."""
    assert await knock(SITES[site](), half) == REFUSED
    assert not HEARD


@in_loop
async def test_strangers_and_the_verified_are_let_in(verified: Client, site: str) -> None:
    """As without a gate: the app says who it sees."""
    for client, name in ((verified, "alice"), (None, "nobody")):
        HEARD.clear()
        socket = Socket(SITES[site](), client)
        assert await socket.ask() == (True, "plain" if site == "plain" else name)
        assert await socket.says("hello") == "hello"
        await socket.leave()
        assert HEARD == {"connect": 1, "hello": 1, "disconnect 1000": 1}


@in_loop
async def test_nothing_is_added_to_what_they_bring(verified: Client) -> None:
    """The scope is the one that the server made."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, dict(scope)))

    for client in (verified, None):
        socket = Socket(OTPGateMiddleware(app), client)
        before = dict(socket.scope)
        await socket.send_input({"type": "websocket.connect"})
        await socket.wait()
        scope, then = seen.pop()
        assert scope is socket.scope
        assert then == before


@in_loop
async def test_the_policy_decides_as_it_does_for_pages(
    half: Client, settings: Any, site: str
) -> None:
    """Whom it leaves alone is let in; until it does not."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    async with opened(site, half, interval=NEVER) as socket:
        assert await socket.says("hello") == "hello"
        await User.objects.aupdate(is_staff=True)
        await socket.say("secret")
        assert await socket.closed() == 4403
    assert not HEARD["secret"]
    assert await knock(SITES[site](), half) == REFUSED


@pytest.mark.parametrize("is_async", [False, True])
@in_loop
async def test_a_policy_is_asked_with_a_request(
    half: Client, settings: Any, is_async: bool
) -> None:
    """By path, query, headers, session and user, in both ways of asking for him."""
    seen: list[Any] = []

    def look(request: Any, user: Any) -> bool:
        seen.append((request.get_full_path(), request.scheme, request.headers["X-Device"]))
        seen.append((request.session["_auth_user_id"], request.user.pk, user))
        return False

    async def asynchronous(request: Any) -> bool:
        return look(request, await request.auser())

    def synchronous(request: Any) -> bool:
        return look(request, request.user)

    settings.OTP_GATE = {"POLICY": asynchronous if is_async else synchronous}
    socket = Socket(SITES["plain"](), half, "/ws/chat/?room=1")
    socket.scope |= {"scheme": "wss"}
    socket.scope["headers"].append((b"x-device", b"phone"))
    assert (await socket.ask())[0]
    alice = await User.objects.aget()
    assert seen[0] == ("/ws/chat/?room=1", "https", "phone")
    assert seen[1] == (str(alice.pk), alice.pk, alice)
    await socket.leave()


@in_loop
async def test_a_token_is_no_second_factor(
    alice: Any, half: Client, verified: Client, bob: Any
) -> None:
    """Who was put into the scope is held like everybody, unless a session verified that very user."""
    for client, user, answer in (
        (None, alice, REFUSED),
        (half, alice, REFUSED),
        (verified, bob, REFUSED),
        (half, None, REFUSED),
        (verified, alice, (True, "plain")),
        (verified, AnonymousUser(), (True, "plain")),
        (None, AnonymousUser(), (True, "plain")),
    ):
        assert await knock(with_token(user, SITES["plain"]()), client) == answer


@in_loop
async def test_a_token_of_somebody_who_need_not_verify(alice: Any, settings: Any) -> None:
    """His socket stays open until he is deactivated or gone; a token has no session that ends."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    for end in ({"is_active": False}, {"is_staff": True}):
        await User.objects.aupdate(is_active=True)
        socket = Socket(with_token(await User.objects.aget(), SITES["plain"](interval=NEVER)))
        assert await socket.ask() == (True, "plain")
        assert await socket.says("hello") == "hello"
        await User.objects.aupdate(**end)
        await socket.say("secret")
        assert await socket.closed() == 4403


@in_loop
async def test_a_user_who_is_no_model(settings: Any, db: None) -> None:
    """A service that a token names is asked about by the policy alone."""
    service = SimpleNamespace(is_authenticated=True, pk="robot", is_staff=False)
    assert await knock(with_token(service, SITES["plain"]())) == REFUSED
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    socket = Socket(with_token(service, SITES["plain"]()))
    assert await socket.ask() == (True, "plain")
    assert await socket.says("hello") == "hello"
    await socket.leave()


@pytest.mark.parametrize("engine", ["cache", "cached_db", "file", "signed_cookies"])
@in_loop
async def test_every_session_engine(
    alice: Any, use_engine: Callable[[str], None], engine: str, site: str
) -> None:
    """The session is read by the engine that the site has."""
    use_engine(engine)
    client = Client()
    await do(log_in)(client)
    assert await knock(SITES[site](), client) == REFUSED
    await do(pass_gate)(client)
    async with opened(site, client) as socket:
        assert await socket.says("hello") == "hello"


@in_loop
async def test_a_login_that_is_overdue_is_refused(half: Client, settings: Any, site: str) -> None:
    """Not logged out: it is the next page that does that, and says so."""
    settings.OTP_GATE = {"PENDING_TTL": 1}
    await asyncio.sleep(1.1)
    assert await knock(SITES[site](), half) == REFUSED
    assert await Session.objects.acount() == 1


@in_loop
async def test_a_session_that_is_called_otherwise(half: Client, settings: Any) -> None:
    """SESSION_COOKIE_NAME says which cookie it is."""
    cookie = half.cookies.pop("sessionid")
    half.cookies["sid"] = cookie.value
    assert await knock(SITES["plain"](), half) == (True, "plain")
    settings.SESSION_COOKIE_NAME = "sid"
    assert await knock(SITES["plain"](), half) == REFUSED


@in_loop
async def test_an_exempt_path_sees_nobody(half: Client, settings: Any) -> None:
    """Also where somebody further in would put the user into the scope; views exempt no socket."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/ws/open/"], "EXEMPT_VIEWS": ["home", "secret"]}
    for site in ("inside", "outermost"):
        assert await knock(SITES[site](), half, "/ws/open/1") == (True, "nobody")
        for path in ("/", "/secret/", "/open/", "/otp/", "/ws/", "/ws/openly/", "/ws/open/../x"):
            assert await knock(SITES[site](), half, path) == REFUSED


@in_loop
async def test_report_mode_lets_in_and_counts(
    half: Client, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    """Once for each socket; nothing is closed."""
    monkeypatch.setattr(reports.Pause, "until", 0.0)
    settings.OTP_GATE = {"MODE": "report", "EXEMPT_PATHS": ["/ws/open/"]}
    with caplog.at_level(logging.INFO, "otp_gate"):
        assert await knock(SITES["inside"](), half, "/ws/open/") == (True, "alice")
        async with opened("inside", half, interval=0.02) as socket:
            await do(half.logout)()
            assert await socket.says("hello") == "hello"
        assert await knock(SITES["plain"](), half) == (True, "plain")
    assert caplog.messages.count("Would turn away: half-authenticated") == 1
    lines = (await do(manage)("report")).out.splitlines()
    assert lines[0].split() == ["1", "alice", "(WebSocket)"]


@in_loop
async def test_scopes_without_a_client_go_through_untouched(db: None) -> None:
    """Of a server that starts, and of a worker of Channels."""
    seen = []

    async def app(*given: Any) -> str:
        seen.append(given)
        return "done"

    for kind in ("lifespan", "channel"):
        given = ({"type": kind}, object(), object())
        await OTPGateMiddleware(app)(*given)  # type: ignore[arg-type]
        assert all(a is b for a, b in zip(seen.pop(), given, strict=True))


@in_loop
async def test_scope_of_an_unknown_kind_is_refused(verified: Client) -> None:
    """The gate cannot judge what it does not know."""
    scope = Socket(plain, verified).scope | {"type": "webtransport"}
    with pytest.raises(ImproperlyConfigured, match="webtransport"):
        await OTPGateMiddleware(plain)(scope, plain, plain)  # type: ignore[arg-type]


def test_it_needs_no_channels() -> None:
    """A plain ASGI site has none installed."""
    code = (
        "import sys; sys.modules['channels'] = None; import django; django.setup();"
        "import otp_gate.channels, otp_gate.streams; assert 'rest_framework.views' not in sys.modules"
    )
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "site_project.settings"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environ, cwd=ROOT)


def test_a_wrong_setting_stops_the_server(settings: Any) -> None:
    """As it does with the middleware for pages."""
    settings.OTP_GATE = {"MOD": "report"}
    with pytest.raises(ImproperlyConfigured, match="MODE"):
        OTPGateMiddleware(plain)


@pytest.mark.parametrize("interval", [0, -1, None, "5", True, float("nan")])
def test_an_interval_that_is_none_is_refused(interval: Any) -> None:
    """Where the project is started, and not when somebody connects."""
    with pytest.raises(ValueError, match="positive number of seconds"):
        OTPGateMiddleware(plain, interval=interval)


@pytest.mark.parametrize(
    "scope",
    [
        {"query_string": b"\xff\xfe=%00"},
        {"headers": [(b"cookie", b"sessionid=\xff\x00; ;;=")]},
        {"headers": [(b"cookie", b"sessionid=" + b"x" * 5000)]},
        {"headers": [(b"host", b"\xff"), (b"content-type", b"\xff")]},
        {"path": "/ws/\ud800\0"},
    ],
    ids=str,
)
@in_loop
async def test_bad_input_is_no_error(db: None, scope: dict[str, Any]) -> None:
    """Whoever sends it is a stranger."""
    assert await knock(SITES["plain"](), **scope) == (True, "plain")


@in_loop
async def test_who_goes_away_before_he_is_refused(half: Client) -> None:
    """There is nobody left to be told."""
    app = SITES["plain"]()
    socket = Socket(app, half)
    await socket.send_input({"type": "websocket.disconnect", "code": 1006})
    await socket.wait()
    assert socket.output_queue.empty()


# Whose socket is closed again


def log_out(client: Client) -> None:
    client.post("/logout/")


def expire(client: Client) -> None:
    Session.objects.update(expire_date="2000-01-01T00:00Z")


def log_in_again(client: Client) -> None:
    log_in(client)


def log_in_as_another(client: Client) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    log_in(client, "bob")


def deactivate(client: Client) -> None:
    User.objects.update(is_active=False)


def delete(client: Client) -> None:
    User.objects.all().delete()


def change_password(client: Client) -> None:
    alice = User.objects.get()
    alice.set_password("another")
    alice.save()


def step_up(client: Client) -> None:
    """Cycles the key: the old one names nobody any more."""
    pass_gate(client)


ENDS = [
    log_out,
    expire,
    log_in_again,
    log_in_as_another,
    deactivate,
    delete,
    change_password,
    step_up,
]


@pytest.mark.parametrize("end", ENDS)
@in_loop
async def test_the_next_message_is_not_heard(
    verified: Client, end: Callable[[Client], None], site: str
) -> None:
    """Not one, after the session has ended: the socket is closed, and the app told so."""
    async with opened(site, verified, interval=NEVER) as socket:
        assert await socket.says("hello") == "hello"
        await do(end)(verified)
        await socket.say("secret")
        assert await socket.closed() == 4403
    assert HEARD == {"connect": 1, "hello": 1, "disconnect 4403": 1}


@in_loop
async def test_a_session_that_cannot_be_taken_back(
    alice: Any, use_engine: Callable[[str], None]
) -> None:
    """The docs say so: a cookie that is a session outlives the log-out, but not the user."""
    use_engine("signed_cookies")
    client = Client()
    await do(pass_gate)(client)
    async with opened("inside", client, interval=NEVER) as socket:
        await do(log_out)(client)
        assert await socket.says("hello") == "hello"
        await do(deactivate)(client)
        await socket.say("secret")
        assert await socket.closed() == 4403


@pytest.mark.parametrize("end", [log_out, deactivate])
@in_loop
async def test_an_idle_socket_is_closed(
    verified: Client, end: Callable[[Client], None], site: str
) -> None:
    """After the interval, with nobody saying anything."""
    async with opened(site, verified, interval=0.05) as socket:
        await asyncio.sleep(0.2)
        assert socket.output_queue.empty()
        await do(end)(verified)
        assert await socket.closed() == 4403
    assert HEARD == {"connect": 1, "disconnect 4403": 1}


@in_loop
async def test_a_verification_that_is_too_old(verified: Client, settings: Any, site: str) -> None:
    """VERIFIED_TTL ends a socket as it ends a page."""
    async with opened(site, verified, interval=0.1) as socket:
        settings.OTP_GATE = {"VERIFIED_TTL": 1}
        assert await socket.closed() == 4403
        assert await knock(SITES[site](), verified) == REFUSED


@in_loop
async def test_what_goes_out_waits_for_a_look(verified: Client, monkeypatch: Any) -> None:
    """From a second after the log-out nothing more is told, although the app never listens."""
    told = []

    async def ticker(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            told.append(time.monotonic())
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(0.02)

    monkeypatch.setattr(connections, "GRACE", 0.1)
    socket = Socket(OTPGateMiddleware(ticker, interval=NEVER), verified)
    assert await socket.ask() == (True, "tick")
    await do(log_out)(verified)
    ended = time.monotonic()
    while (message := await socket.receive_output(20))["type"] == "websocket.send":
        assert time.monotonic() - ended < 10
    assert message == {"type": "websocket.close", "code": 4403, "reason": "otp_required"}
    await socket.wait(20)
    assert socket.output_queue.empty()
    # It went on speaking, to nobody, until its time was over.
    assert told[-1] > ended


@in_loop
async def test_a_socket_is_closed_once(verified: Client, monkeypatch: Any) -> None:
    """Where several looks are under way at once, and each finds the session ended."""
    once = liveness.Watch.alook_once

    async def slow(*given: Any) -> Any:
        await asyncio.sleep(0.2)
        return await once(*given)

    async with opened("plain", verified, interval=0.05) as socket:
        await do(log_out)(verified)
        monkeypatch.setattr(liveness.Watch, "alook_once", slow)
        await asyncio.sleep(0.1)
        await socket.say("secret")
        assert await socket.closed() == 4403
        assert socket.output_queue.empty()
    assert not HEARD["secret"]


@in_loop
async def test_a_look_is_not_taken_for_each_word(verified: Client, monkeypatch: Any) -> None:
    """Within a second of the last one a message goes out as it is; what comes in never does."""
    looks = []
    once = liveness.Watch.alook_once

    async def counted(*given: Any) -> Any:
        looks.append(given)
        return await once(*given)

    monkeypatch.setattr(liveness.Watch, "alook_once", counted)
    monkeypatch.setattr(liveness, "FRESH", NEVER)
    async with opened("plain", verified, interval=NEVER) as socket:
        assert len(looks) == 1  # For the accept and the greeting as well.
        for _ in range(3):
            await socket.says("hello")
        assert len(looks) == 4


@in_loop
async def test_an_app_that_does_not_end_is_ended(verified: Client, monkeypatch: Any) -> None:
    """And what it does in its `finally` is done before the server goes on."""
    done = []

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await receive()
                await asyncio.sleep(0.01)
        finally:
            await asyncio.sleep(0.01)
            done.append("finally")

    monkeypatch.setattr(connections, "GRACE", 0.1)
    socket = Socket(OTPGateMiddleware(stubborn, interval=0.05), verified)
    assert (await socket.connect())[0]
    await do(log_out)(verified)
    assert await socket.closed() == 4403
    assert done == ["finally"]


@in_loop
async def test_a_server_that_stops_ends_both(verified: Client) -> None:
    """Whoever cancels the gate cancels the app inside."""
    done = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            done.append("begun")
            await receive()
        finally:
            done.append("finally")

    scope = Socket(app, verified).scope
    async with running(OTPGateMiddleware(app), scope) as (coming, _):
        await coming.put({"type": "websocket.connect"})
        await until(lambda: done)
    assert done == ["begun", "finally"]
    assert len(asyncio.all_tasks()) == 1


@in_loop
async def test_an_error_of_the_app_is_its_own(verified: Client) -> None:
    """The gate hides none from the server."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("of the app")

    socket = Socket(OTPGateMiddleware(broken), verified)
    await socket.send_input({"type": "websocket.connect"})
    with pytest.raises(RuntimeError, match="of the app"):
        await socket.wait()


@in_loop
async def test_who_has_gone_is_not_sent_away(verified: Client, monkeypatch: Any) -> None:
    """After a disconnect, or the app's own close, nothing more goes to the server."""
    heard = []

    async def lingering(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while heard[-1:] != ["websocket.disconnect"]:
            heard.append((await receive())["type"])
            if heard[-1] == "websocket.receive":
                await send({"type": "websocket.close", "code": 4000})
        await asyncio.sleep(3600)

    monkeypatch.setattr(connections, "GRACE", 0.1)
    app = OTPGateMiddleware(lingering, interval=0.1)
    for last in ({"type": "websocket.disconnect", "code": 1001}, {"type": "websocket.receive"}):
        client = Client()
        await do(pass_gate)(client)
        heard.clear()
        async with running(app, Socket(app, client).scope) as (coming, sent):
            await coming.put({"type": "websocket.connect"})
            await coming.put(last)
            await until(lambda: heard)
            await do(log_out)(client)
            # It has been told so, or was; and the server has not.
            await until(lambda: heard[-1] == "websocket.disconnect")
            await asyncio.sleep(0.5)
            assert [m for m in sent if m.get("code") == 4403] == []


@in_loop
async def test_a_client_that_vanishes_meanwhile(verified: Client) -> None:
    """The server's word that it is gone is no error of the gate."""
    sent = []

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "websocket.close":
            raise ConnectionResetError

    socket = Socket(plain, verified)
    await socket.input_queue.put({"type": "websocket.connect"})
    running = asyncio.create_task(
        SITES["plain"](interval=0.05)(socket.scope, socket.input_queue.get, send)
    )
    await until(lambda: len(sent) == 2)
    await do(log_out)(verified)
    await asyncio.wait_for(running, 20)
    assert sent == ["websocket.accept", "websocket.send", "websocket.close"]
    assert HEARD["disconnect 4403"] == 1


@in_loop
async def test_no_message_is_lost_where_an_app_gives_up_waiting(verified: Client) -> None:
    """An app that waits for less time than a look takes hears each word, and in order."""
    heard = []

    async def impatient(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while len(heard) < 50:
            with suppress(TimeoutError):
                message = await asyncio.wait_for(receive(), 0.0001)
                heard.append(message["text"])

    socket = Socket(OTPGateMiddleware(impatient), verified)
    assert (await socket.connect())[0]
    for number in range(50):
        await socket.say(str(number))
        await asyncio.sleep(0.001)
    await socket.wait(20)
    assert heard == [str(number) for number in range(50)]


@in_loop
async def test_a_message_that_waited_for_its_app_is_judged_again(
    verified: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sent it was there when it came, and has logged out before the app asked for it."""
    monkeypatch.setattr(connections, "FRESH", 0.05)
    heard, ask = [], asyncio.Event()

    async def absent(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        with suppress(TimeoutError):
            await asyncio.wait_for(receive(), 0.01)
        await ask.wait()
        heard.append((await receive())["type"])

    socket = Socket(OTPGateMiddleware(absent, interval=NEVER), verified)
    assert (await socket.connect())[0]
    await asyncio.sleep(0.05)
    await socket.say("secret")
    await asyncio.sleep(0.3)
    await Session.objects.all().adelete()
    ask.set()
    await socket.wait()
    assert heard == ["websocket.disconnect"]


# Faults


@pytest.fixture
def broken_store(settings: Any, use_engine: Any) -> Iterator[SimpleNamespace]:
    """A session engine that fails when it is told to."""
    from django.contrib.sessions.backends.db import SessionStore

    state = SimpleNamespace(times=0, error=OSError)
    load, aload = SessionStore.load, SessionStore.aload

    def fail() -> None:
        if state.times:
            state.times -= 1
            raise state.error("down")

    def broken(self: Any) -> Any:
        fail()
        return load(self)

    async def abroken(self: Any) -> Any:
        fail()
        return await aload(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SessionStore, "load", broken)
        patch.setattr(SessionStore, "aload", abroken)
        yield state


@pytest.mark.parametrize("error", [OSError, DatabaseError])
@in_loop
async def test_a_store_that_is_down_is_shut(
    verified: Client, broken_store: Any, error: type[Exception], caplog: Any
) -> None:
    """Nobody comes in, whoever is in goes out; 1011 and not 4403, for no code would mend it."""
    broken_store.error = error
    async with opened("plain", verified, interval=NEVER) as socket:
        broken_store.times = 10**9
        assert await knock(SITES["plain"](), verified) == UNAVAILABLE
        await socket.say("secret")
        assert await socket.closed() == 1011
    assert not HEARD["secret"]
    assert f"Unavailable: session ({error.__name__})" in caplog.messages
    assert verified.cookies["sessionid"].value not in caplog.text


@in_loop
async def test_one_fault_closes_nothing(verified: Client, broken_store: Any) -> None:
    """A connection that the database has dropped since is opened again, and the look taken again."""
    async with opened("plain", verified, interval=NEVER) as socket:
        broken_store.times = 1
        assert await socket.says("hello") == "hello"


@in_loop
async def test_a_user_who_cannot_be_loaded_is_shut_out(
    verified: Client, monkeypatch: Any, caplog: Any
) -> None:
    """The table of users locked, say."""

    async def fail(request: Any) -> None:
        raise DatabaseError("row of alice")

    async with opened("plain", verified, interval=NEVER) as socket:
        monkeypatch.setattr("django.contrib.auth.aget_user", fail)
        await socket.say("secret")
        assert await socket.closed() == 1011
    assert "Unavailable: database (DatabaseError)" in caplog.messages
    assert "row of alice" not in caplog.text


@in_loop
async def test_a_policy_that_is_broken_shuts(half: Client, settings: Any, caplog: Any) -> None:
    """With its traceback in the log, and no exception out of the server."""
    settings.OTP_GATE = {"POLICY": "tests.policies.broken"}
    assert await knock(SITES["plain"](), half) == UNAVAILABLE
    assert "the policy is broken" in caplog.text


@in_loop
async def test_a_fault_before_and_one_after_another_kind(
    half: Client, settings: Any, broken_store: Any, caplog: Any
) -> None:
    """The second look tells what is wrong by then."""
    settings.OTP_GATE = {"POLICY": "tests.policies.broken"}
    broken_store.times = 1
    assert await knock(SITES["plain"](), half) == UNAVAILABLE
    assert "the policy is broken" in caplog.text


@in_loop
async def test_a_look_changes_no_session(verified: Client, settings: Any) -> None:
    """A rotated SECRET_KEY gives no new key by a socket, whose answer could not carry it."""
    before = await Session.objects.aget()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "rotated"
    # The new key cannot read what the old one signed but by the fallback.
    async with opened("plain", verified, interval=NEVER) as socket:
        assert await socket.says("hello") == "hello"
    after = await Session.objects.aget()
    assert (after.pk, after.session_data) == (before.pk, before.session_data)


@in_loop
async def test_a_cache_of_sessions_that_is_emptied(
    alice: Any, use_engine: Callable[[str], None]
) -> None:
    """Everybody is logged out, on sockets as well."""
    use_engine("cache")
    client = Client()
    await do(pass_gate)(client)
    async with opened("inside", client, interval=0.05) as socket:
        await do(cache.clear)()
        assert await socket.closed() == 4403
