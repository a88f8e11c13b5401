"""Logins inside a consumer, by the real `channels.auth.login` and by other ways."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.auth import AuthMiddlewareStack, login
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from django.contrib import auth
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client

from otp_gate.channels import OTPGateMiddleware
from otp_gate.liveness import Watch
from tests.helpers import VERIFY, open_page
from tests.sockets import (
    HEARD,
    REFUSED,
    SITES,
    Socket,
    do,
    in_loop,
    knock,
    opened,
    until,
    with_token,
)
from tests.test_consumers import EVENTS, PAGE, Exchange

NEVER = 3600
BACKEND = "django.contrib.auth.backends.ModelBackend"

DONE: list[str] = []
"""As whom a consumer acted after the login."""

KEYS: list[str] = []
"""Keys of the sessions of these logins."""


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    for heard in (HEARD, DONE, KEYS):
        heard.clear()
    yield
    for heard in (HEARD, DONE, KEYS):
        heard.clear()


def act(scope: Any) -> None:
    DONE.append(scope["user"].get_username() or "nobody")


async def by_channels(scope: Any, user: Any) -> None:
    """A login as the docs of Channels have it."""
    await login(scope, user, BACKEND)
    await scope["session"].asave()


async def by_channels_unsaved(scope: Any, user: Any) -> None:
    """Without a save, after which no look at the store finds the login."""
    await login(scope, user, backend=BACKEND)


async def by_django(scope: Any, user: Any) -> None:
    """With a request that the consumer has made for it."""
    request = HttpRequest()
    request.session = scope["session"]
    await auth.alogin(request, user, BACKEND)
    scope["user"] = user


async def by_hand(scope: Any, user: Any) -> None:
    """No signal is sent at all."""
    session = scope["session"]
    values = {
        auth.SESSION_KEY: str(user.pk),
        auth.BACKEND_SESSION_KEY: BACKEND,
        auth.HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    await session.aupdate(values)
    scope["user"] = user


ROADS = [by_channels, by_channels_unsaved, by_django, by_hand]


def consumer(road: Callable[..., Any]) -> Any:
    """Return a consumer that logs in and acts, all within one message."""

    class Batch(AsyncWebsocketConsumer):
        async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
            user = await get_user_model().objects.aget(username=text_data)
            await road(self.scope, user)
            KEYS.append(self.scope["session"].session_key)
            act(self.scope)
            await self.send(f"secret of {text_data}")

    return Batch.as_asgi()


STACKS: dict[str, Callable[[Any], Any]] = {
    "inside": lambda app: AuthMiddlewareStack(OTPGateMiddleware(app, interval=NEVER)),
    "outermost": lambda app: OTPGateMiddleware(AuthMiddlewareStack(app), interval=NEVER),
}


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> Any:
    """Each place where the gate may stand."""
    return STACKS[request.param]


# WebSockets


@pytest.mark.parametrize("road", ROADS[:3])
@in_loop
async def test_login_by_a_message_closes_the_socket(alice: Any, stack: Any, road: Any) -> None:
    """Before the next thing is sent: by the password alone nobody reads."""
    socket = Socket(stack(consumer(road)))
    assert (await socket.connect())[0]
    await socket.say("alice")
    assert await socket.closed() == 4403
    assert socket.output_queue.empty()


@in_loop
async def test_login_without_a_signal_closes_the_socket(alice: Any) -> None:
    """The session of the scope names another user than before."""
    socket = Socket(STACKS["inside"](consumer(by_hand)))
    assert (await socket.connect())[0]
    await socket.say("alice")
    assert await socket.closed() == 4403


@pytest.mark.parametrize("road", ROADS[:2])
@in_loop
async def test_rest_of_the_message_sees_nobody(alice: Any, stack: Any, road: Any) -> None:
    """A batch in one message may log in and transfer."""
    socket = Socket(stack(consumer(road)))
    assert (await socket.connect())[0]
    await socket.say("alice")
    assert await socket.closed() == 4403
    assert DONE == ["nobody"]


@in_loop
async def test_rest_of_the_message_of_a_sync_consumer_sees_nobody(alice: Any, stack: Any) -> None:
    """It runs in a thread, which nothing could end."""

    class Batch(WebsocketConsumer):
        def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
            async_to_sync(login)(self.scope, User.objects.get(), BACKEND)
            act(self.scope)
            self.send("secret")

    socket = Socket(stack(Batch.as_asgi()))
    assert (await socket.connect())[0]
    await socket.say("")
    assert await socket.closed() == 4403
    assert DONE == ["nobody"]


@in_loop
async def test_next_message_is_not_heard(alice: Any) -> None:
    """Nor one that a consumer sends that says nothing after the login."""

    class Quiet(AsyncWebsocketConsumer):
        async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
            HEARD[text_data] += 1
            await by_channels(self.scope, await User.objects.aget())

    socket = Socket(STACKS["outermost"](Quiet.as_asgi()))
    assert (await socket.connect())[0]
    await socket.say("log in")
    await socket.say("secret")
    assert await socket.closed() == 4403
    assert HEARD == {"log in": 1}


@in_loop
async def test_session_of_the_login_waits_for_its_code(alice: Any, stack: Any) -> None:
    """As after any login: its pages are held, and open with the code."""
    socket = Socket(stack(consumer(by_channels)))
    assert (await socket.connect())[0]
    await socket.say("alice")
    assert await socket.closed() == 4403
    client = Client()
    client.cookies["sessionid"] = KEYS[0]
    answer = await do(client.get)("/secret/")
    assert (answer.status_code, answer["Location"]) == (302, f"{VERIFY}?next=/secret/")
    assert (await do(client.post)(VERIFY, {"code": await do(open_page)(client)})).status_code == 302
    assert (await do(client.get)("/secret/")).content == b"secret of alice"


@pytest.mark.parametrize("road", ROADS[:3])
@in_loop
async def test_same_user_logs_in_again(verified: Client, stack: Any, road: Any) -> None:
    """The mark belongs to the login before, also where the session keeps its key."""
    socket = Socket(stack(consumer(road)), verified)
    assert (await socket.connect())[0]
    await socket.say("alice")
    assert await socket.closed() == 4403
    if road is by_channels:
        assert await knock(SITES["inside"](), verified) == REFUSED
        assert (await do(verified.get)("/secret/")).status_code == 302


@pytest.mark.parametrize("policy", ["everyone", "staff"])
@in_loop
async def test_another_user_does_not_take_a_socket_over(
    verified: Client, bob: Any, settings: Any, stack: Any, policy: str
) -> None:
    """Also where that user need not verify."""
    settings.OTP_GATE = {"POLICY": f"otp_gate.policy.{policy}"}
    socket = Socket(stack(consumer(by_channels)), verified)
    assert (await socket.connect())[0]
    await socket.say("bob")
    assert await socket.closed() == 4403
    assert DONE == ["nobody"]


@pytest.mark.parametrize("road", ROADS)
@in_loop
async def test_user_who_need_not_verify_stays(alice: Any, settings: Any, road: Any) -> None:
    """Visible, and served."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    socket = Socket(STACKS["inside"](consumer(road)))
    assert (await socket.connect())[0]
    assert await socket.says("alice") == "secret of alice"
    assert DONE == ["alice"]
    await socket.leave()


@in_loop
async def test_user_who_need_not_verify_stays_until_the_log_out(alice: Any, settings: Any) -> None:
    """A consumer may say good-bye; nothing more is heard."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    async with opened("inside", None, interval=NEVER) as socket:
        assert await socket.says("log in alice") == "log in alice"
        assert await socket.says("hello") == "hello"
        assert await socket.says("log out") == "log out"
        await socket.say("secret")
        assert await socket.closed() == 4403
    assert not HEARD["secret"]


@in_loop
async def test_open_path_does_not_see_a_login(alice: Any, settings: Any, stack: Any) -> None:
    """It stays open, and sees nobody."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/ws/"]}
    for client in (None, await do(half_authenticated)()):
        DONE.clear()
        socket = Socket(stack(consumer(by_channels)), client)
        assert (await socket.connect())[0]
        assert await socket.says("alice") == "secret of alice"
        assert await socket.says("alice") == "secret of alice"
        assert DONE == ["nobody", "nobody"]
        await socket.leave()


def half_authenticated() -> Client:
    client = Client()
    client.force_login(User.objects.get())
    return client


@in_loop
async def test_report_mode_hides_and_closes_nothing(alice: Any, settings: Any, stack: Any) -> None:
    """It only says what would be held."""
    settings.OTP_GATE = {"MODE": "report"}
    socket = Socket(stack(consumer(by_channels)))
    assert (await socket.connect())[0]
    assert await socket.says("alice") == "secret of alice"
    assert DONE == ["alice"]
    await socket.leave()


@in_loop
async def test_user_stays_visible_where_the_project_says_so(
    alice: Any, settings: Any, stack: Any
) -> None:
    """HIDE_AFTER_LOGIN is about the rest of the message. The socket is closed all the same."""
    settings.OTP_GATE = {"HIDE_AFTER_LOGIN": "never"}
    socket = Socket(stack(consumer(by_channels)))
    assert (await socket.connect())[0]
    await socket.say("alice")
    assert await socket.closed() == 4403
    assert DONE == ["alice"]


@in_loop
async def test_broken_policy_closes_the_socket(
    alice: Any, settings: Any, stack: Any, caplog: Any
) -> None:
    """Nobody can say whether the user must pass."""
    socket = Socket(stack(consumer(by_channels)))
    assert (await socket.connect())[0]
    settings.OTP_GATE = {"POLICY": "tests.policies.broken"}
    await socket.say("alice")
    assert await socket.closed() == 1011
    assert DONE == ["nobody"]
    assert "the policy is broken" in caplog.text


@in_loop
async def test_user_of_a_token_logs_in(alice: Any, bob: Any, settings: Any) -> None:
    """From then on the socket is the one of that login."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    app = OTPGateMiddleware(consumer(by_channels), interval=NEVER)
    socket = Socket(AuthMiddlewareStack(with_token(bob, app)))
    assert (await socket.connect())[0]
    assert await socket.says("bob") == "secret of bob"
    await User.objects.filter(pk=bob.pk).aupdate(is_staff=True)
    await socket.say("bob")
    assert await socket.closed() == 4403


@in_loop
async def test_login_beside_any_connection_begins_anew(verified: Client, alice: Any) -> None:
    """In a worker of Channels, say: what was proved before does not count for this login."""
    session = SessionStore(verified.cookies["sessionid"].value)
    OTPGateMiddleware(consumer(by_channels))
    await by_channels({"session": session, "user": alice}, alice)
    assert (await do(verified.get)("/secret/")).status_code == 302


def test_gates_hide_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are; and none where Channels keeps its function elsewhere."""
    OTPGateMiddleware(consumer(by_channels))
    before = login.func
    OTPGateMiddleware(consumer(by_channels))
    assert login.func is before
    elsewhere = SimpleNamespace()
    monkeypatch.setattr("channels.auth.login", elsewhere)
    OTPGateMiddleware(consumer(by_channels))
    assert not vars(elsewhere)


def test_app_without_channels_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to hide from."""
    monkeypatch.setitem(sys.modules, "channels.auth", None)
    OTPGateMiddleware(consumer(by_channels))


# HTTP consumers


def http_consumer(road: Callable[..., Any]) -> Any:
    """Return a consumer of documents that log in and act, such as one of GraphQL."""

    class Document(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            await road(self.scope, await User.objects.aget(username="alice"))
            act(self.scope)
            await self.send_response(200, f"done as {DONE[-1]}".encode())

    return Document.as_asgi()


@pytest.mark.parametrize("client", [None, "verified"])
@in_loop
async def test_rest_of_a_document_sees_nobody(
    alice: Any, client: str | None, request: pytest.FixtureRequest
) -> None:
    """The answer to the login goes out, with the cookie of a session that waits for its code."""
    browser = await do(request.getfixturevalue)(client) if client else Client()
    app = STACKS["inside"](http_consumer(by_channels))
    status, headers, body = await Exchange(app, browser, method="POST").answered()
    assert (status, body) == (200, "done as nobody")
    if client is None:
        browser.cookies["sessionid"] = headers["set-cookie"].split(";")[0].partition("=")[2]
    answer = await do(browser.get)("/secret/")
    assert (answer.status_code, answer["Location"]) == (302, f"{VERIFY}?next=/secret/")


@pytest.mark.parametrize("road", [by_django, by_hand])
@in_loop
async def test_answer_after_a_login_of_another_kind_is_a_refusal(alice: Any, road: Any) -> None:
    """Its user cannot be hidden from the consumer."""
    app = STACKS["inside"](http_consumer(road))
    for headers, status in ((PAGE, 302), (EVENTS, 403)):
        found, _, body = await Exchange(app, None, "/events/", headers).answered()
        assert (found, "alice" in body) == (status, False)


@in_loop
async def test_long_answer_to_a_login_goes_on(alice: Any, monkeypatch: Any) -> None:
    """As nobody, however often the gate looks again meanwhile."""
    looks = []
    aended = Watch.aended

    async def counted(self: Watch) -> Any:
        looks.append(self)
        return await aended(self)

    monkeypatch.setattr(Watch, "aended", counted)

    class Long(AsyncHttpConsumer):
        async def handle(self, body: bytes) -> None:
            await by_channels(self.scope, await User.objects.aget())
            await self.send_headers()
            await self.send_body(b"1", more_body=True)
            before = len(looks)
            await until(lambda: len(looks) > before + 1)
            await self.send_body(b"2")

    gate = OTPGateMiddleware(Long.as_asgi(), interval=0.05)
    assert (await Exchange(AuthMiddlewareStack(gate)).answered())[::2] == (200, "12")
