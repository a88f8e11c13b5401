"""What the gate knows of django-allauth headless: names, and how a request names its session."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest

from otp_gate import session
from otp_gate.exemptions import View

DECORATORS = "allauth.headless.internal.decorators"
SESSION_VIEW = "allauth.headless.account.views.SessionView"
REFRESH_VIEW = "allauth.headless.tokens.views.RefreshTokenView"

BASE_STRATEGY = "allauth.headless.tokens.strategies.base"
JWT_STRATEGY = "allauth.headless.tokens.strategies.jwt.strategy"

STRATEGY = (
    "get_session_token",
    "lookup_session",
    "create_session_token",
    "create_access_token_payload",
)
"""What the gate asks of a token strategy."""


def exchanges_session(view: View) -> bool:
    """Return True for a view of the app client, in which allauth exchanges the session.

    Known by the decorator that does the exchange, so that a project's own view with that decorator
    and a view under other decorators are found too.
    """
    return is_exchange(inspect.unwrap(view, stop=is_exchange))


def is_exchange(layer: Any) -> bool:
    code = getattr(layer, "__code__", None)
    return (
        code is not None
        and code.co_qualname.startswith("app_view.")
        and layer.__globals__.get("__name__") == DECORATORS
    )


def is_view(view: View, name: str) -> bool:
    """Return True for a view of this class of allauth, by its dotted name."""
    found = getattr(view, "view_class", None)
    return found is not None and f"{found.__module__}.{found.__qualname__}" == name


def token_strategy() -> Any:
    """Return the token strategy that HEADLESS_TOKEN_STRATEGY names."""
    return import_module("allauth.headless.app_settings").TOKEN_STRATEGY


def session_of_view(request: HttpRequest, view: View) -> Any:
    """Return the session in which a view of the app client acts; None if there is none."""
    strategy = token_strategy()
    if is_view(view, REFRESH_VIEW) and refreshes_by(strategy) == JWT_STRATEGY:
        found = session_of_refresh_token(request)
        if found is not None:
            return found
    token = strategy.get_session_token(request)
    return strategy.lookup_session(token) if token else None


def refreshes_by(strategy: Any) -> str:
    """Return the module, of allauth or of the project, that defines `refresh_token()`."""
    return str(type(strategy).refresh_token.__module__)


def session_of_refresh_token(request: HttpRequest) -> Any:
    """Return the session for which the refresh token in the body was made, or None."""
    from allauth.headless.tokens.strategies.jwt import internal

    try:
        token = json.loads(request.body)["refresh_token"]
    except (ValueError, KeyError, TypeError, RecursionError, OSError, SuspiciousOperation):
        return None  # The view refuses it, or fails, by itself.
    valid = internal.validate_refresh_token(token) if isinstance(token, str) else None
    return None if valid is None else valid[1]


def withhold_access_token(*, request: Any, user: Any, **_: object) -> None:
    """Let the answer to a login of the app client hold no access token, if a code is due.

    An access token is accepted without a session. allauth gives one where the user was another
    one before the view; so the view learns that this user was there before.
    """
    headless = getattr(getattr(request, "allauth", None), "headless", None)
    if headless is None or not hasattr(headless, "_pre_user"):
        return
    if session.pending_of(session.loaded(request.session)) is not None:
        headless._pre_user = user


def unknown_parts() -> list[str]:
    """Return what the gate needs of allauth, and cannot find or does not know; [] in most sites."""
    try:
        strategy = token_strategy()
        kit = import_module("allauth.headless.internal.authkit")
    except Exception as error:  # whatever the strategy of a project raises
        return [f"HEADLESS_TOKEN_STRATEGY ({type(error).__name__})"]
    name = type(strategy).__name__
    unknown = [f"{name}.{part}" for part in STRATEGY if not hasattr(strategy, part)]
    if refreshes_by(strategy) not in (BASE_STRATEGY, JWT_STRATEGY):
        unknown.append(f"{name}.refresh_token")
    exposes = getattr(getattr(kit, "expose_access_token", None), "__code__", None)
    if exposes is None or "_pre_user" not in exposes.co_names:
        unknown.append("allauth.headless.internal.authkit.expose_access_token")
    return unknown
