"""A login inside a consumer: no earlier code counts, and the rest of the consumer sees nobody.

`channels.auth.login` sends `user_logged_in` without a request, and so without a session. What the
gate needs to know is in the context of the connection, and in the scope that `login` is given.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in

from otp_gate import session
from otp_gate.conf import gate_config
from otp_gate.liveness import HELD, Watch

WATCH: ContextVar[Watch | None] = ContextVar("otp_gate_watch", default=None)
"""What watches the connection in which the code runs now."""

HIDES = "otp_gate_hides"
"""Attribute of a `login` that hides its user already."""


def connect() -> None:
    """Notice each login inside a connection; called where a gate is put around an app."""
    user_logged_in.connect(note_login, dispatch_uid="otp_gate.note_login")
    try:
        from channels.auth import login
    except ImportError:  # An ASGI app without Channels.
        return
    # Channels asks the object for its function at each call, whoever has imported the object.
    function = getattr(login, "func", None)
    if function is not None and not hasattr(function, HIDES):
        login.func = hiding(function)


def note_login(*, request: Any = None, user: Any, **_: object) -> None:
    """Let the connection be judged anew, by whatever way the user logged in."""
    watch = WATCH.get()
    # A request that the gate in MIDDLEWARE has judged is its own affair.
    if watch is not None and not hasattr(request, "otp_gate"):
        watch.begin_login(user)


def hiding(login: Callable[..., None]) -> Callable[..., None]:
    """Return a `channels.auth.login` whose user the rest of the consumer does not see.

    One message, or one document of GraphQL, may log in and go on as the user.
    """

    @wraps(login)
    def login_and_hide(scope: Any, *args: Any, **kwargs: Any) -> None:
        login(scope, *args, **kwargs)
        watch = WATCH.get()
        held = watch is not None and watch.login_word in (*HELD, "exempt")
        session.begin_login(scope["session"], held=held)
        if watch is not None and held:
            if gate_config().hide_after_login != "never":
                scope["user"] = AnonymousUser()
            # The answer to a login may go out, as that of a view does. A socket is closed.
            watch.may_answer = scope["type"] == "http"

    setattr(login_and_hide, HIDES, True)
    return login_and_hide
