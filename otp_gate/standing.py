"""How the user that an API has authenticated stands to the session of the request.

For APIs that authenticate inside the view, where no decorator can know the user.
"""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest

from otp_gate import log_records, session
from otp_gate.conf import gate_config
from otp_gate.identity import user_id_of
from otp_gate.state import gate_state

Standing = Literal["verified", "session", "token", "anonymous"]
"""Verified in this session; of this session, but not verified; by a token alone; nobody."""

STRONGER_LOGIN = 'Bearer error="insufficient_user_authentication"'
"""The `WWW-Authenticate` of RFC 9470, for a token behind which no second factor stands."""


def standing_of(request: HttpRequest, user: Any, max_age: int | None) -> Standing:
    """Say how a user stands to the session of this request, at this moment.

    Args:
        user: a user of the project, or what a token library gives in place of one (with `pk`).
        max_age: how long ago the code may have been typed in, in seconds; None for any time in
            this login.

    Raises:
        ImproperlyConfigured: the gate is not in MIDDLEWARE.
    """
    state = gate_state(request)
    if not user.is_authenticated:
        # A user whom the gate hides is asked for a code, and not for a login.
        return "session" if state.status in ("exempt", "half") else "anonymous"
    mark = state.mark_for(user)
    if mark is not None and not session.is_stale(mark, max_age):
        return "verified"
    return "session" if user_id_of(user) == state.user_id else "token"


def ask_again(request: HttpRequest) -> None:
    """Let the session wait for a code, if it does not yet."""
    if gate_state(request).status in ("verified", "not_required"):
        session.begin(request.session, step_up=True)


def only_reports(request: HttpRequest, what: str) -> bool:
    """Log what is missing, and return True where the gate lets pass because it only reports."""
    if gate_config().mode != "report":
        return False
    log_records.write("code_reported", request, reason=what)
    return True
