"""What the gate does when somebody logs in or out, by whatever road."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from otp_gate import kept, session
from otp_gate.challenge import Challenge
from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.policy import requires

logger = logging.getLogger("otp_gate")


def begin_login(*, request: HttpRequest | None, user: Any, **_: object) -> None:
    """Whoever logs in is half-authenticated, also who was verified in this very session."""
    if request is not None and hasattr(request, "session"):
        config = gate_config()
        # One who is let through today and held tomorrow has then a full PENDING_TTL.
        let_through = config.mode == "report" or (
            getattr(request, "user", None) is user and not requires(config.policy, request)
        )
        session.begin_login(request.session, held=not let_through)


def discard_challenge(*, request: HttpRequest | None, **_: object) -> None:
    """A code whose session is gone must not wait for somebody to find it."""
    if request is None or not hasattr(request, "session"):
        return
    data = session.read(request.session)
    kept.discard(session.kept_of(data))
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
