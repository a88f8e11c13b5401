"""What the gate does when somebody logs in or out, by whatever road."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from otp_gate import session
from otp_gate.conf import GateConfig, gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.exemptions import naming
from otp_gate.identity import user_id_of
from otp_gate.policy import requires
from otp_gate.state import GateState, Status, layers


def begin_login(*, request: Any, user: Any, **_: object) -> None:
    """Make every login half-authenticated, also of a user who was verified in this session.

    The rest of a view that logs in runs with the password alone: see `HIDE_AFTER_LOGIN`.
    """
    if request is None or not names_user(request, user):
        return
    state: GateState | None = getattr(request, "otp_gate", None)
    if state is not None and state.is_repeated_login(user):
        for layer in layers(request):
            state.hide_user(layer)
        return
    config = gate_config()
    required = getattr(request, "user", None) is not user or requires(config.policy, request)
    # A user who is let through today and held tomorrow has then a full PENDING_TTL.
    held = config.mode == "enforce" and required
    session.begin_login(request.session, held=held)
    # Before a view is reached, the second door judges the new user.
    if state is not None and state.view_reached:
        hide = held and hides_user(request, config)
        status: Status = "half" if required else "not_required"
        state.begin_login(request, user, status, hide=hide)


def hides_user(request: Any, config: GateConfig) -> bool:
    """Return True if the rest of this view must not see the user who has just logged in."""
    if config.hide_after_login != "auto":
        return config.hide_after_login == "always"
    from otp_gate.gate.login_views import is_login_view  # By the worker in which a view logs in.

    match = request.resolver_match
    named = match is not None and naming(match, config.login_views) is not None
    return not is_login_view(match, named)


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
    """Discard the code of a session that ends, so that nobody can use it any more."""
    if request is None or getattr(request, "session", None) is None:
        return
    # `logout` names no user where the gate hides a half-authenticated user from the view.
    if user is not None and not names_user(request, user):
        return
    state: GateState | None = getattr(request, "otp_gate", None)
    if state is not None:
        state.end_login()
    data = session.read(request.session)
    if session.KEPT in data:
        from otp_gate import kept  # By the worker in which a saved request is given up.

        kept.discard_all(data)
    pending = session.pending_of(data)
    if pending is None or session.LOGIN not in data:
        return
    try:
        from otp_gate.challenge import Challenge  # By the worker in which a login is given up.

        Challenge(data[session.LOGIN], pending.nonce, "").discard()
    except StoreUnavailable as error:
        # A log-out must never fail; the code dies with its nonce, which is flushed, and its TTL.
        from otp_gate import log_records

        log_records.write("code_not_discarded", request, reason=str(error))


def connect() -> None:
    user_logged_in.connect(begin_login, dispatch_uid="otp_gate.begin_login")
    user_logged_out.connect(discard_challenge, dispatch_uid="otp_gate.discard_challenge")
