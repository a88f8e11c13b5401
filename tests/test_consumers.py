"""HTTP consumers of Channels: who gets an answer, in which form a refusal comes, and where it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack, login
from channels.generic.http import AsyncHttpConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.test import Client
from django.urls import path, re_path

from otp_gate import connections, reports
from otp_gate.channels import OTPGateMiddleware
from otp_gate.signals import request_refused
from tests.commands import manage
from tests.helpers import VERIFY, pass_gate
from tests.sockets import PATIENCE, cookie_of, do, in_loop, until, with_token

SERVED: list[str] = []
"""Whom the consumer has served."""

PAGE = {"accept": "text/html"}
EVENTS = {"accept": "text/event-stream"}


class Events(AsyncHttpConsumer):
    """Says whom it sees."""

    async def handle(self, body: bytes) -> None:
        name = self.scope["user"].get_username() or "nobody"
        SERVED.append(name)
        await self.send_response(200, f"events of {name}{body.decode()}".encode())


@pytest.fixture(autouse=True)
def nobody_served() -> Iterator[None]:
    SERVED.clear()
    yield
    SERVED.clear()


def routes() -> URLRouter:
    """Consumers, and Django's pages at every other address."""
    return URLRouter(
        [
            path("events/", Events.as_asgi()),
            path("deep/", URLRouter([path("events/", Events.as_asgi())])),
            path("open/", Events.as_asgi()),
            re_path("", get_asgi_application()),
        ]
    )


def protocols(app: Any) -> Any:
    return ProtocolTypeRouter({"http": app})


SITES: dict[str, Callable[[], Any]] = {
    "inside": lambda: protocols(AuthMiddlewareStack(OTPGateMiddleware(routes()))),
    "outermost": lambda: OTPGateMiddleware(protocols(AuthMiddlewareStack(routes()))),
    "static": lambda: OTPGateMiddleware(
        ASGIStaticFilesHandler(protocols(AuthMiddlewareStack(routes())))
    ),
    "twice": lambda: OTPGateMiddleware(AuthMiddlewareStack(OTPGateMiddleware(routes()))),
}
"""Where the gate may stand."""


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> Any:
    """Each place where the gate may stand."""
    return SITES[request.param]()


class Exchange(ApplicationCommunicator):
    """A request as a server hands it to an app."""

    def __init__(
        self,
        app: Any,
        client: Client | None = None,
        path: str = "/events/",
        headers: dict[str, str] = PAGE,
        **scope: Any,
    ) -> None:
        path, _, query = path.partition("?")
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        super().__init__(
            app,
            {
                "type": "http",
                "method": "GET",
                "path": path,
                "query_string": query.encode(),
                "headers": [(b"host", b"testserver"), *pairs, *cookie_of(client)],
                "scheme": "http",
                **scope,
            },
        )

    async def answered(self, body: bytes = b"") -> tuple[int, dict[str, str], str]:
        """Return status, headers and body of the whole answer."""
        await self.send_input({"type": "http.request", "body": body})
        start = await self.receive_output(PATIENCE)
        assert start["type"] == "http.response.start"
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        parts = [await self.receive_output(PATIENCE)]
        while parts[-1].get("more_body"):
            parts.append(await self.receive_output(PATIENCE))
        await self.wait(PATIENCE)
        return start["status"], headers, b"".join(part["body"] for part in parts).decode()


async def ask(app: Any, client: Client | None = None, *given: Any, **scope: Any) -> Any:
    """Return status, headers and body of an answer."""
    return await Exchange(app, client, *given, **scope).answered()


async def seen(app: Any, client: Client | None = None, *given: Any, **scope: Any) -> Any:
    """Return status and body of an answer."""
    status, _, body = await ask(app, client, *given, **scope)
    return status, body


# Who gets an answer


@in_loop
async def test_half_authenticated_session_gets_nothing(half: Client, site: Any) -> None:
    """Whatever the method, at every address of a consumer."""
    for address in ("/events/", "/deep/events/", "/open/"):
        for method in ("GET", "POST", "HEAD", "OPTIONS", "PURGE"):
            status, headers, body = await ask(site, half, address, method=method)
            assert (status, "alice" in body) == (302, False)
            assert headers["location"].startswith(VERIFY)
    assert not SERVED


@in_loop
async def test_verified_user_and_visitor_are_served(verified: Client, site: Any) -> None:
    """With the body of the request, and with nothing added to the answer."""
    exchange = Exchange(site, verified, method="POST")
    assert await exchange.answered(b"!") == (200, {}, "events of alice!")
    assert await ask(site, None) == (200, {}, "events of nobody")
    assert SERVED == ["alice", "nobody"]


@in_loop
async def test_policy_decides_who_is_served(half: Client, settings: Any, site: Any) -> None:
    """As it does for pages; it is asked with the request."""
    asked: list[Any] = []

    def policy(request: Any) -> bool:
        asked.append((request.method, request.get_full_path(), request.scheme))
        return bool(request.user.is_staff)

    settings.OTP_GATE = {"POLICY": policy}
    address = "/events/?room=1"
    given = {"method": "POST", "scheme": "https"}
    assert await seen(site, half, address, **given) == (200, "events of alice")
    assert asked[0] == ("POST", address, "https")
    await User.objects.aupdate(is_staff=True)
    assert (await seen(site, half, address, **given))[0] == 302


@in_loop
async def test_user_other_than_the_verified_one_is_refused(
    verified: Client, alice: Any, bob: Any
) -> None:
    """The mark in the session counts for the user of the scope, or for nobody."""
    for user, status in ((bob, 302), (alice, 200), (AnonymousUser(), 200)):
        app = OTPGateMiddleware(routes())
        stack = AuthMiddlewareStack(with_token(user, app))
        assert (await ask(stack, verified))[0] == status
    assert SERVED == ["alice", "nobody"]


@in_loop
async def test_exempt_path_sees_nobody(half: Client, settings: Any, site: Any) -> None:
    """By EXEMPT_PATHS alone: what the URLconf has at that path is no consumer."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/open/"], "EXEMPT_VIEWS": ["home", "secret"]}
    assert await seen(site, half, "/open/") == (200, "events of nobody")
    assert (await seen(site, half, "/events/"))[0] == 302


@in_loop
async def test_exempt_view_of_the_urlconf_opens_no_consumer(half: Client) -> None:
    """`tests.urls` has an exempt view at this path."""
    assert (await do(half.get)("/open/")).status_code == 200
    consumer = URLRouter([re_path("", Events.as_asgi())])
    app = AuthMiddlewareStack(OTPGateMiddleware(consumer))
    assert (await seen(app, half, "/open/"))[0] == 302
    assert not SERVED


@in_loop
async def test_report_mode_serves_and_counts(half: Client, settings: Any, monkeypatch: Any) -> None:
    """Under one name for all consumers."""
    monkeypatch.setattr(reports.Pause, "until", 0.0)
    settings.OTP_GATE = {"MODE": "report"}
    assert await seen(SITES["inside"](), half) == (200, "events of alice")
    lines = (await do(manage)("report")).out.splitlines()
    assert lines[0].split() == ["1", "alice", "(HTTP", "consumer)"]


# The form of a refusal


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        (PAGE, 302, "text/html; charset=utf-8"),
        (EVENTS, 403, "application/problem+json"),
        ({"accept": "application/json"}, 403, "application/problem+json"),
        ({"sec-fetch-dest": "image"}, 403, "text/plain"),
        ({"sec-purpose": "prefetch"}, 403, "text/plain"),
        ({"x-up-version": "3"}, 403, "text/html; charset=utf-8"),
    ],
)
@in_loop
async def test_refusal_fits_the_client(
    half: Client, headers: dict[str, str], status: int, kind: str
) -> None:
    """A redirect for a page, a problem document for a program, a bare 403 for a picture."""
    found, told, body = await ask(SITES["inside"](), half, "/events/?a=1", headers)
    assert (found, told["content-type"]) == (status, kind)
    assert "no-store" in told["cache-control"]
    assert int(told["content-length"]) == len(body)
    if status == 302:
        assert told["location"] == f"{VERIFY}?next=/events/%3Fa%3D1"
    if "json" in kind:
        assert json.loads(body)["code"] == "otp_required"
        assert json.loads(body)["verify_url"] == VERIFY


@in_loop
async def test_refusal_knows_the_prefix_of_the_site(half: Client) -> None:
    """A server may serve the site below a path."""
    app = AuthMiddlewareStack(OTPGateMiddleware(routes()))
    _, headers, _ = await ask(app, half, "/site/events/", root_path="/site")
    assert headers["location"] == f"/site{VERIFY}?next=/site/events/"


@in_loop
async def test_refusal_is_signalled(half: Client) -> None:
    """As every refusal is."""
    signalled: list[Any] = []

    def receive(request: Any, enforced: bool, **_: object) -> None:
        signalled.append((request.path, enforced))

    request_refused.connect(receive)
    try:
        await ask(SITES["inside"](), half)
    finally:
        request_refused.disconnect(receive)
    assert signalled == [("/events/", True)]


@pytest.mark.parametrize(
    "more", [[], [(b"hx-request", b"true")], [(b"accept", b"application/json")]]
)
@in_loop
async def test_a_wrong_host_decides_nothing(half: Client, more: list[tuple[bytes, bytes]]) -> None:
    """Refused like any other, and no address of that host is named."""
    exchange = Exchange(SITES["inside"](), half)
    evil = [(b"host", b"evil.example"), (b"referer", b"http://evil.example/page/")]
    exchange.scope["headers"] = [*evil, *more, *cookie_of(half)]
    status, headers, body = await exchange.answered()
    assert status in (302, 403)
    assert "evil" not in f"{headers} {body}"


@pytest.mark.parametrize("headers", [PAGE, EVENTS])
@in_loop
async def test_store_that_is_down_is_shut(
    alice: Any, verified: Client, monkeypatch: Any, headers: dict[str, str]
) -> None:
    """503, and no consumer runs."""

    async def fail(self: Any) -> Any:
        raise DatabaseError("down")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.aload", fail)
    # Nothing in front of the gate has read the session.
    app = SessionMiddlewareStack(with_token(alice, OTPGateMiddleware(routes())))
    status, told, body = await ask(app, verified, "/events/", headers)
    assert (status, told["retry-after"]) == (503, "5")
    assert "alice" not in body
    assert not SERVED


@in_loop
async def test_broken_policy_is_shut(half: Client, settings: Any, caplog: Any) -> None:
    """503, with its traceback in the log."""
    settings.OTP_GATE = {"POLICY": "tests.policies.broken"}
    assert (await ask(SITES["inside"](), half))[0] == 503
    assert "the policy is broken" in caplog.text
    assert not SERVED


@pytest.mark.parametrize("name", ["verified", "half"])
def test_look_costs_no_query(
    request: pytest.FixtureRequest, name: str, django_assert_num_queries: Any
) -> None:
    """The session and the user were loaded in front of the gate."""
    client = request.getfixturevalue(name)
    for app, served in (
        (AuthMiddlewareStack(routes()), True),
        (AuthMiddlewareStack(OTPGateMiddleware(routes())), name == "verified"),
    ):
        with django_assert_num_queries(2):
            status, _ = async_to_sync(seen)(app, client)
        assert (status == 200) is served


@in_loop
async def test_login_in_front_of_the_gate_is_held(verified: Client, alice: Any) -> None:
    """Also of the user who was verified before, and although nothing is saved yet."""

    def logs_in(app: Any) -> Any:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            await login(scope, alice, "django.contrib.auth.backends.ModelBackend")
            await app(scope, receive, send)

        return middleware

    app = AuthMiddlewareStack(logs_in(OTPGateMiddleware(routes())))
    assert (await ask(app, verified))[0] == 302
    assert not SERVED


# Where the gate cannot know, or need not


@pytest.mark.parametrize("lacking", ["user", "session"])
@in_loop
async def test_scope_without_user_or_session_is_an_error(verified: Client, lacking: str) -> None:
    """It says what to put around the gate; no consumer runs."""
    gate = OTPGateMiddleware(routes())

    async def without(scope: Any, receive: Any, send: Any) -> None:
        await gate({name: scope[name] for name in scope if name != lacking}, receive, send)

    for app in (AuthMiddlewareStack(without), with_token(None, gate)):
        exchange = Exchange(app, verified)
        await exchange.send_input({"type": "http.request", "body": b""})
        with pytest.raises(ImproperlyConfigured, match="AuthMiddlewareStack around it"):
            await exchange.wait(PATIENCE)
    assert not SERVED


@in_loop
async def test_page_of_django_is_judged_by_its_own_middleware(
    half: Client, site: Any, monkeypatch: Any
) -> None:
    """Once: an exempt view and the page for the code are open, another page is not."""
    # The database of the tests is in the memory of one thread.
    monkeypatch.setattr("django.core.handlers.asgi.ThreadSensitiveContext", nullcontext)
    assert await seen(site, half, "/aopen/") == (200, "open to nobody")
    assert (await seen(site, half, VERIFY))[0] == 200
    refused: list[Any] = []

    def receive(request: Any, **_: object) -> None:
        refused.append(request.path)

    request_refused.connect(receive)
    try:
        assert (await seen(site, half, "/secret/"))[0] == 302
    finally:
        request_refused.disconnect(receive)
    assert refused == ["/secret/"]


@in_loop
async def test_app_around_django_is_judged_as_a_whole(half: Client) -> None:
    """Nobody knows what an app of another kind does before it asks Django."""

    async def unknown(scope: Any, receive: Any, send: Any) -> None:
        await get_asgi_application()(scope, receive, send)

    app = AuthMiddlewareStack(OTPGateMiddleware(unknown))
    assert (await seen(app, half, "/aopen/"))[0] == 302
    with pytest.raises(ImproperlyConfigured, match="AuthMiddlewareStack around it"):
        await seen(OTPGateMiddleware(unknown), half, "/aopen/")


@in_loop
async def test_app_in_the_place_of_the_page_for_the_code_is_an_error(half: Client) -> None:
    """A redirect to itself would be a trap without end."""

    async def unknown(scope: Any, receive: Any, send: Any) -> None:
        SERVED.append("unknown")

    with pytest.raises(ImproperlyConfigured, match="put OTPGateMiddleware inside of it"):
        await seen(AuthMiddlewareStack(OTPGateMiddleware(unknown)), half, VERIFY)
    assert not SERVED


@in_loop
async def test_without_channels_an_app_is_judged(half: Client, monkeypatch: Any) -> None:
    """Its classes are looked for, and not imported."""
    for name in ("channels.routing", "channels.sessions", "channels.auth"):
        monkeypatch.delitem(__import__("sys").modules, name)
    app = AuthMiddlewareStack(OTPGateMiddleware(routes()))
    assert (await seen(app, half))[0] == 302


# An answer that flows


class Feed(AsyncHttpConsumer):
    """Server-sent events, until somebody ends them."""

    async def handle(self, body: bytes) -> None:
        headers = [(b"content-length", b"9999")] if "sized" in self.scope["path"] else []
        await self.send_headers(headers=headers)
        while True:
            SERVED.append("tick")
            await self.send_body(b"data: tick\n\n", more_body=True)
            await asyncio.sleep(0.02)


class Poll(AsyncHttpConsumer):
    """Long polling: answers when there is news, which is never."""

    async def handle(self, body: bytes) -> None:
        SERVED.append("poll")
        await asyncio.Event().wait()


def feeds(interval: float) -> Any:
    consumers = URLRouter(
        [
            path("feed/", Feed.as_asgi()),
            path("sized/", Feed.as_asgi()),
            path("poll/", Poll.as_asgi()),
        ]
    )
    return AuthMiddlewareStack(OTPGateMiddleware(consumers, interval=interval))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app has no time to end by itself, and no look holds for longer than it takes."""
    monkeypatch.setattr(connections, "GRACE", 0.05)


@in_loop
async def test_stream_ends_with_the_session(verified: Client, impatient: None) -> None:
    """The client may connect again, and then meets the gate."""
    exchange = Exchange(feeds(0.05), verified, "/feed/", EVENTS)
    await exchange.send_input({"type": "http.request", "body": b""})
    assert (await exchange.receive_output(PATIENCE))["status"] == 200
    assert (await exchange.receive_output(PATIENCE))["body"] == b"data: tick\n\n"
    await do(verified.logout)()
    while (message := await exchange.receive_output(PATIENCE)).get("more_body"):
        assert message["body"] == b"data: tick\n\n"
    assert message == {"type": "http.response.body", "body": b""}
    await exchange.wait(PATIENCE)


@in_loop
async def test_answer_of_known_length_is_left_incomplete(verified: Client, impatient: None) -> None:
    """No server could end it: it aborts the connection."""
    exchange = Exchange(feeds(0.05), verified, "/sized/", EVENTS)
    await exchange.send_input({"type": "http.request", "body": b""})
    await exchange.receive_output(PATIENCE)
    await do(verified.logout)()
    await exchange.wait(PATIENCE)
    while not exchange.output_queue.empty():
        assert exchange.output_queue.get_nowait()["more_body"]


@in_loop
async def test_long_poll_is_refused_when_the_session_ends(
    verified: Client, impatient: None
) -> None:
    """Nothing was sent yet: the answer is the one of a refusal."""
    exchange = Exchange(feeds(0.05), verified, "/poll/", EVENTS)
    answer = asyncio.ensure_future(exchange.answered())
    await until(lambda: SERVED)
    await do(verified.logout)()
    status, _, body = await answer
    assert (status, json.loads(body)["code"]) == (403, "otp_required")


@in_loop
async def test_client_that_goes_away_ends_its_poll(verified: Client) -> None:
    """The consumer hears of it at once, and nothing is sent any more."""
    heard = []

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        while heard[-1:] != ["http.disconnect"]:
            heard.append((await receive())["type"])

    exchange = Exchange(AuthMiddlewareStack(OTPGateMiddleware(waiting)), verified)
    await exchange.send_input({"type": "http.request", "body": b""})
    await exchange.send_input({"type": "http.disconnect"})
    await exchange.wait(PATIENCE)
    assert heard == ["http.request", "http.disconnect"]
    assert exchange.output_queue.empty()


@in_loop
async def test_consumer_is_told_that_its_session_has_ended(verified: Client) -> None:
    """As if the client had gone away, so that it can tidy up."""
    heard = []

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        while heard[-1:] != ["http.disconnect"]:
            heard.append((await receive())["type"])

    gate = OTPGateMiddleware(waiting, interval=0.05)
    exchange = Exchange(AuthMiddlewareStack(gate), verified)
    answer = asyncio.ensure_future(exchange.answered())
    await until(lambda: heard)
    await do(verified.logout)()
    assert (await answer)[0] == 302
    assert heard == ["http.request", "http.disconnect"]


@in_loop
async def test_user_who_passes_the_gate_is_served(alice: Any, site: Any) -> None:
    """The whole way, with the code."""
    client = Client()
    await do(pass_gate)(client)
    assert await seen(site, client) == (200, "events of alice")
