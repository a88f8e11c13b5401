"""The gate before the views of the app client, and its own pages for that client."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse

from otp_gate import identity, session
from otp_gate.django_internals import CSRF_COOKIE, LOADED_USERS, is_django_user, skip_csrf_check
from otp_gate.exceptions import StoreUnavailable
from otp_gate.exemptions import View, is_own
from otp_gate.headless.tokens import (
    SESSION_VIEW,
    exchanges_session,
    is_view,
    session_of_view,
    token_strategy,
    withhold_access_token,
)
from otp_gate.state import NO_USER, GateState

TOKEN = "HTTP_X_SESSION_TOKEN"  # noqa: S105 - the name of a header
"""The header, in `request.META`. A page of another site cannot make a browser send it."""


class Gate(Protocol):
    """What this module needs of the middleware."""

    process_view: Any

    def evaluate_or_close(
        self, request: HttpRequest, at_view: bool = False
    ) -> HttpResponse | None: ...
    def fail_closed(self, request: HttpRequest, error: Exception) -> HttpResponse | None: ...


def stand_before(gate: Gate) -> None:
    """Let the `process_view` of a gate first judge the session of a token.

    Called where allauth is installed, so that no other site pays for a look at the view.
    """
    user_logged_in.connect(withhold_access_token, dispatch_uid="otp_gate.withhold_access_token")
    inner: Callable[..., Any] = gate.process_view

    def process_view(
        request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if is_own(view) and TOKEN in request.META:
            return serve(gate, request, view, args, kwargs)
        if not exchanges_session(view):
            return inner(request, view, args, kwargs)
        found = judge(gate, request, view)
        if isinstance(found, HttpResponse):
            return found
        return prepare(request, inner(request, view, args, kwargs), found)

    async def aprocess_view(
        request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if is_own(view) and TOKEN in request.META:
            return await sync_to_async(serve)(gate, request, view, args, kwargs)
        if not exchanges_session(view):
            return await inner(request, view, args, kwargs)
        found = await sync_to_async(judge)(gate, request, view)
        if isinstance(found, HttpResponse):
            return found
        return prepare(request, await inner(request, view, args, kwargs), found)

    gate.process_view = aprocess_view if inspect.iscoroutinefunction(inner) else process_view


def judge(gate: Gate, request: HttpRequest, view: View) -> HttpResponse | GateState:
    """Return the answer in place of a view of the app client, or the state of its session.

    Of a view that stays open by an exemption, `is_hidden` says that it must see AnonymousUser.
    """
    nobody = GateState(request, "anonymous", NO_USER, session.NOTHING)
    try:
        with session.readable():
            found = session_of_view(request, view)
            if found is None or (request.method == "DELETE" and is_view(view, SESSION_VIEW)):
                # Nobody, or an unknown token, to which allauth answers 410; or a log-out, which
                # a half-authenticated user must be able to do.
                return nobody
            found.get(session.LOGIN)
        with instead_of_its_own(request, found):
            answer = gate.evaluate_or_close(request, at_view=True)
            state: GateState = request.otp_gate  # type: ignore[attr-defined]
            save(found)
    except StoreUnavailable as error:
        with as_program(request):
            return gate.fail_closed(request, error) or nobody
    return answer or state


def serve(
    gate: Gate, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> HttpResponse | None:
    """Answer one of the gate's own pages, as JSON, in the session that the token names.

    There is no CSRF check: no browser sends a header with a session token by itself. A new session
    token is in `meta`, as in the answers of allauth.
    """
    outer: GateState = request.otp_gate  # type: ignore[attr-defined]
    outer.served = True
    token = request.META[TOKEN]
    try:
        with session.readable():
            strategy = token_strategy()
            found = strategy.lookup_session(token)
            if found is None:
                found = import_module(settings.SESSION_ENGINE).SessionStore()
        with instead_of_its_own(request, found):
            skip_csrf_check(request)
            key = found.session_key
            response = gate.evaluate_or_close(request, at_view=True) or view(
                request, *args, **kwargs
            )
            response.cookies.pop(settings.CSRF_COOKIE_NAME, None)
            if found.session_key not in (key, None):
                with session.readable():
                    tell_tokens(request, response, strategy)
            save(found)
    except StoreUnavailable as error:
        with as_program(request):
            return gate.fail_closed(request, error)
    return response


def tell_tokens(request: HttpRequest, response: Any, strategy: Any) -> None:
    """Add the tokens of a session that has a new key, because a code was right, to the answer."""
    # Withheld at the login: see `withhold_access_token`.
    meta = strategy.create_access_token_payload(request) or {}
    meta["session_token"] = strategy.create_session_token(request)
    response.content = json.dumps({**json.loads(response.content), "meta": meta}).encode()


def prepare(request: HttpRequest, answer: Any, state: GateState) -> Any:
    """Let a view of the app client, if it runs, see the session of the token: user and state.

    allauth empties the lazy object in `request.user`, which then asks its function again. Where
    the gate put a lazy object of its own there, that would name the user of the cookie.
    """
    if answer is not None:
        return answer
    if state.is_hidden:
        identity.hide_user(request)
    elif not is_django_user(request.user):
        authenticate(request)
    state.view_reached = True
    request.otp_gate = state  # type: ignore[attr-defined]
    return None


def authenticate(request: HttpRequest) -> None:
    """Put the lazy user of `request.session` into the request, as Django's middleware does."""
    for name in LOADED_USERS:
        request.__dict__.pop(name, None)
    AuthenticationMiddleware(lambda _: HttpResponse()).process_request(request)


@contextmanager
def instead_of_its_own(request: HttpRequest, found: Any) -> Iterator[None]:
    """Let a request have this session, and its user, for a while; whoever asks is a program."""
    there = request.__dict__
    names = ("session", "user", "auser", "otp_gate", *LOADED_USERS)
    before = {name: there[name] for name in names if name in there}
    csrf = {name: request.META[name] for name in CSRF_COOKIE if name in request.META}
    try:
        request.session = found
        authenticate(request)
        request.otp_gate = GateState(  # type: ignore[attr-defined]
            request, "anonymous", NO_USER, session.NOTHING
        )
        with as_program(request):
            yield
    finally:
        for name in names:
            there.pop(name, None)
        there.update(before)
        # No cookie goes to a client that sends none.
        for name in CSRF_COOKIE:
            request.META.pop(name, None)
        request.META.update(csrf)


@contextmanager
def as_program(request: HttpRequest) -> Iterator[None]:
    """Let the gate answer with JSON, whatever the client says that it accepts."""
    accept = request.META.get("HTTP_ACCEPT")
    request.META["HTTP_ACCEPT"] = "application/json"
    try:
        yield
    finally:
        if accept is None:
            del request.META["HTTP_ACCEPT"]
        else:
            request.META["HTTP_ACCEPT"] = accept


def save(found: Any) -> None:
    """Save the session of a token; SessionMiddleware saves the one of the cookie only.

    Raises:
        StoreUnavailable: the session engine failed, or the session is gone meanwhile.
    """
    with session.readable():
        if found.modified and not found.is_empty():
            found.save()
