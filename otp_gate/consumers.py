"""Which HTTP requests Channels routes to Django, whose MIDDLEWARE judges them, and which not."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.handlers.asgi import ASGIHandler

App = Callable[..., Any]
Guard = Callable[[App], App]

WRAPPERS = (
    ("channels.sessions", "CookieMiddleware"),
    ("channels.sessions", "SessionMiddleware"),
    ("channels.auth", "AuthMiddleware"),
)
"""What `AuthMiddlewareStack` is made of. It answers no request by itself."""


def guarded(app: App, guard: Guard) -> App:
    """Return a copy of an app in which `guard` stands around each app that is not Django's handler.

    Django's handler runs MIDDLEWARE, where the gate judges a request once already, and knows its
    views. Only the routers and the middleware of Channels are looked through, known by their very
    classes: an app of any other kind may lead anywhere, and is guarded as a whole. The copies
    route by the code of Channels, so that no request can take another way than was foreseen here.
    """
    kind = type(app)
    if kind is ASGIHandler:
        return app
    twin: Any = copy.copy(app)
    if kind is ASGIStaticFilesHandler:
        twin.application = guarded(twin.application, guard)
    elif kind is class_of("channels.routing", "ProtocolTypeRouter"):
        apps = twin.application_mapping
        twin.application_mapping = {name: guarded(apps[name], guard) for name in apps}
    elif kind is class_of("channels.routing", "URLRouter"):
        twin.routes = [guarded_route(route, guard) for route in twin.routes]
    elif any(kind is class_of(*names) for names in WRAPPERS):
        twin.inner = guarded(twin.inner, guard)
    else:
        return guard(app)
    return twin  # type: ignore[no-any-return]


def guarded_route(route: Any, guard: Guard) -> Any:
    """See `guarded`."""
    twin = copy.copy(route)
    twin.callback = guarded(route.callback, guard)
    return twin


def class_of(module: str, name: str) -> Any:
    """Return a class of Channels; None where Channels is not used."""
    return getattr(sys.modules.get(module), name, None)
