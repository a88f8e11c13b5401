"""What the gate does when somebody logs in or out, by whatever road."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from otp_gate import session
from otp_gate.challenge import Challenge
from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.identity import user_id_of
from otp_gate.policy import requires
from otp_gate.state import Kept

logger = logging.getLogger("otp_gate")


def begin_login(*, request: HttpRequest | None, user: Any, **_: object) -> None:
    """Make the session of a login half-authenticated, also one that was verified before it."""
    if request is not None and names_user(request, user):
        config = gate_config()
        # One who is let through today and held tomorrow has then a full PENDING_TTL.
        let_through = config.mode == "report" or (
            getattr(request, "user", None) is user and not requires(config.policy, request)
        )
        session.begin_login(request.session, held=not let_through)


def names_user(request: HttpRequest, user: Any) -> bool:
    """Return True if the session of this request names this user as the one who logged in.

    Token packages (django-rest-knox, djoser) send the signals of a login and a log-out with no
    session behind them: the browser's session may be of another user, or there may be none.
    `login` sends its signal after it wrote the session, `logout` before it empties the session.
    """
    if getattr(request, "session", None) is None:
        return False
    named = session.read(request.session).get(session.LOGIN)
    return named is not None and str(named) == user_id_of(user)


def discard_challenge(*, request: HttpRequest | None, user: Any = None, **_: object) -> None:
    """Delete the code of a session that ends: a code must not outlive its session."""
    if request is None or getattr(request, "session", None) is None:
        return
    # `logout` names no user where the gate hides a half-authenticated user from the view.
    if user is not None and not names_user(request, user):
        return
    data = session.read(request.session)
    if (waiting := Kept.of(data)) is not None:
        from otp_gate import kept

        kept.discard(waiting)
    pending = session.pending_of(data)
    if pending is None or session.LOGIN not in data:
        return
    try:
        Challenge(data[session.LOGIN], pending.nonce, "").discard()
    except StoreUnavailable as error:
        # A log-out must never fail; the code dies with its nonce, which is flushed, and its TTL.
        logger.warning("Log-out: the code could not be discarded (%s)", error)


def connect() -> None:
    user_logged_in.connect(begin_login, dispatch_uid="otp_gate.begin_login")
    user_logged_out.connect(discard_challenge, dispatch_uid="otp_gate.discard_challenge")
