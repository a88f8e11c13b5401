"""The records of the logger `otp_gate` that are about a request or a user.

Each carries `request`, `event`, `user_id`, `factor` and `reason` as attributes, for handlers,
fail2ban or a SIEM. None holds a code, an email address or a session key.
"""

from __future__ import annotations

import logging
from logging import ERROR, INFO, WARNING
from typing import Any

logger = logging.getLogger("otp_gate")

EVENTS = {
    "code_sent": (INFO, "Sent: user %(user_id)s by %(factor)s"),
    "code_accepted": (INFO, "Accepted: user %(user_id)s by %(factor)s"),
    "code_refused": (INFO, "Refused: user %(user_id)s, %(reason)s"),
    "csrf_refused": (WARNING, "Refused: CSRF check of %(path)s, %(reason)s"),
    "user_locked": (WARNING, "Locked: user %(user_id)s"),
    "guessing_suspected": (
        WARNING,
        "Guessing suspected: %(number)d wrong answers in %(window)d seconds",
    ),
    "login_disowned": (WARNING, "Disowned: user %(user_id)s, %(reason)s"),
    "delivery_failed": (ERROR, "Not delivered by %(factor)s: %(reason)s"),
    "lock_mail_failed": (ERROR, "Not told of the lock: %(reason)s"),
    "unavailable": (ERROR, "Unavailable: %(reason)s"),
    "fault_page_failed": (ERROR, "The page of a fault failed: %(reason)s"),
    "code_not_discarded": (WARNING, "Log-out: the code could not be discarded (%(reason)s)"),
    "request_refused": (INFO, "Turned away: half-authenticated"),
    "request_reported": (INFO, "Would turn away: half-authenticated"),
    "step_up_reported": (INFO, "Would ask again: step-up"),
    "code_reported": (INFO, "Would ask for a code: %(reason)s"),
    "other_user_refused": (WARNING, "Refused: verified for another user"),
    "stream_refused": (WARNING, "Not streamed: verified for another user"),
    "connection_closed": (INFO, "Closed a %(kind)s: %(reason)s"),
    "saved_request_replayed": (INFO, "Goes on: user %(user_id)s"),
    "saved_request_refused": (INFO, "Refused a kept request: resume said no"),
    "saved_request_missing": (
        WARNING,
        "Saved request is missing or unreadable: user %(user_id)s",
    ),
    "impersonation_began": (INFO, "Carried over: user %(user_id)s acts as user %(acts_as)s"),
    "impersonation_ended": (INFO, "Carried back: user %(user_id)s acts as himself"),
}
"""Level and text of each event. Where a signal is sent as well, it has the name of the event."""


def write(
    event: str,
    request: Any,
    *,
    user_id: str | None = None,
    factor: str | None = None,
    reason: object = None,
    **more: object,
) -> None:
    """Write a record of this event.

    Args:
        event: a key of `EVENTS`.
        request: whose event it is; None where none is known.
        user_id: primary key; by default that of the user whom the session names.
        factor: id of the factor.
        reason: as text it says why, and never what the request or the store holds.
        more: further attributes that the text of this event needs.
    """
    level, text = EVENTS[event]
    if user_id is None:
        user_id = getattr(getattr(request, "otp_gate", None), "user_id", None)
    fields = {"user_id": user_id, "factor": factor, "reason": reason, **more}
    logger.log(
        level, text, fields, extra={"request": request, "event": event, **fields}, stacklevel=2
    )
