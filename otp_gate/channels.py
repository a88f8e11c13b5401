"""The gate for WebSockets and for HTTP consumers: around Channels, or around any ASGI app.

    inner = OTPGateMiddleware(URLRouter(websocket_urlpatterns))
    application = ProtocolTypeRouter({
        "http": get_asgi_application(),
        "websocket": AuthMiddlewareStack(inner),
    })

It stands inside of whatever puts a user into the scope, for it cannot judge whom it does not see.
"""

from __future__ import annotations

from functools import cached_property, partial
from io import BytesIO

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.urls import ResolverMatch, set_script_prefix

from otp_gate import consumer_logins, exemptions
from otp_gate.conf import gate_config
from otp_gate.connections import (
    CODES,
    App,
    HttpConnection,
    Message,
    Receive,
    Send,
    SocketConnection,
    refuse_request,
    refuse_socket,
)
from otp_gate.consumers import guarded
from otp_gate.exceptions import ConsumerMisplaced, GateBeforeDjango
from otp_gate.liveness import Watch, check_interval

WITHOUT_USER = ("lifespan", "channel")
"""Scopes that no client stands behind: of a server that starts, of a worker of Channels."""

PLACES = {"websocket": "(WebSocket)", "http": "(HTTP consumer)"}
"""What report mode calls it: the path may hold names and secrets, and has no pattern here."""


class OTPGateMiddleware:
    """Refuse half-authenticated sessions; close what is open when its session ends.

    WebSockets, and HTTP requests that do not go to Django: server-sent events, long polling. A
    request that Channels routes to Django's handler is left to the gate in MIDDLEWARE.

    Args:
        app: the ASGI application inside.
        interval: seconds after which an idle connection is looked at again. The session is looked
            at besides whenever a message of a socket comes in, and before one goes out if the last
            look is older than a second.

    Raises:
        ValueError: the interval is no positive number.
        ImproperlyConfigured: a key or value of OTP_GATE is wrong.
    """

    def __init__(self, app: App, *, interval: float = 5) -> None:
        gate_config()  # A wrong setting stops the server, not the first connection.
        check_interval(interval)
        consumer_logins.connect()
        self.app = app
        self.interval = interval

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "websocket":
            return await self.serve_socket(scope, receive, send)
        if kind == "http":
            return await self.http_app(scope, receive, send)
        if kind not in WITHOUT_USER:
            raise ImproperlyConfigured(
                f"otp_gate.channels.OTPGateMiddleware cannot judge a scope of type {kind!r}."
            )
        return await self.app(scope, receive, send)

    async def serve_socket(self, scope: Message, receive: Receive, send: Send) -> None:
        """Judge a WebSocket, and go on looking while it is open."""
        request = request_of(scope)
        kept = scope.get("session")
        if not hasattr(kept, "session_key"):
            kept = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        watch = Watch(request, kept)
        word = await watch.abegin(scope.get("user"))
        if word in CODES:
            return await refuse_socket(word, receive, send)
        if word == "exempt":
            # An open path sees nobody, as an open view does.
            scope = {**scope, "user": AnonymousUser()}
        return await SocketConnection(watch, self.interval, receive, send).run(self.app, scope)

    @cached_property
    def http_app(self) -> App:
        """The app inside, with the gate around each HTTP app that is not Django's handler."""
        return guarded(self.app, self.guard)

    def guard(self, app: App) -> App:
        # A gate further in judges by itself, and knows which of its apps are Django's handler.
        return app if type(app) is OTPGateMiddleware else partial(self.serve_request, app)

    async def serve_request(self, app: App, scope: Message, receive: Receive, send: Send) -> None:
        """Judge a request as the middleware judges one, and go on looking while its answer flows.

        Raises:
            ConsumerMisplaced: the scope has no session or no user.
            GateBeforeDjango: a half-authenticated user asked an app that stands in Django's place
                for the page that asks for the code.
        """
        kept, user = scope.get("session"), scope.get("user")
        if user is None or not hasattr(kept, "session_key"):
            raise ConsumerMisplaced
        request = request_of(scope)
        set_script_prefix(request.script_name or "")  # As Django's handler does, for `reverse`.
        watch = Watch(request, kept)
        word = await watch.abegin(user, by_own=True)
        if word in CODES:
            if word == "shut" and exemptions.own_page(request) is not None:
                raise GateBeforeDjango  # A refusal would lead here again, without end.
            return await refuse_request(request, word, send)
        if word == "exempt":
            scope = {**scope, "user": AnonymousUser()}
        return await HttpConnection(watch, self.interval, receive, send).run(app, scope)


def request_of(scope: Message) -> ASGIRequest:
    """Return the request by which a socket or an answer is asked for, as a policy wants it."""
    # Bytes that are no UTF-8 are nobody's fault but the client's: not worth an error.
    query = scope.get("query_string", b"").decode("utf-8", "replace").encode()
    scheme = {"ws": "http", "wss": "https"}.get(scheme := scope.get("scheme", "http"), scheme)
    asked = {"method": "GET", **scope, "scheme": scheme, "query_string": query}
    request = ASGIRequest(asked, BytesIO())
    # The body is left to the app.
    request.resolver_match = ResolverMatch(request_of, (), {}, url_name=PLACES[scope["type"]])
    return request
