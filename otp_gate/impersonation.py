"""Let a verified user who acts as somebody else stay verified, where the project says so.

By default nobody does: the login as another user makes the session half-authenticated, and the
code goes to that user. With django-hijack, in `AppConfig.ready`:

    hijack_started.connect(stay_verified)
    hijack_ended.connect(stay_verified)

What passes over is the proof as it is, its time and its factor: nobody is verified later, or for
longer, by acting as somebody else. A proof goes from the person to whom he acts as, and never
back: the code of the one whom somebody acted as says nothing of who sits there.

Nothing here waits for anything, so sync and async views call the same functions.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from otp_gate import log_records, session
from otp_gate.identity import user_id_of
from otp_gate.state import Arrival, GateState, gate_state


def carry_over(request: HttpRequest, user: Any = None) -> bool:
    """Let the user that the session has just been logged in as be verified as the one before was.

    Call it right after `login` or `alogin`, in the request that changes the user; whoever came in
    half-authenticated, or not held by the policy, carries nothing over. Never call it where
    somebody may have typed in another's password: that is a login, and no impersonation.

    Args:
        user: for tools that log nobody in, but give each request another user: that one.

    Returns:
        True if there was a proof to carry.
    """
    user_id = logged_in(request) if user is None else user_id_of(user)
    arrival = proof(request)
    if arrival is None or user_id is None:
        return False
    # Who has proved himself in this session keeps that: else the code of the one whom he acts as
    # would renew him, as soon as that one may act as him.
    marks = {user_id: arrival.marks[arrival.user_id], **arrival.marks}
    session.keep_marks(request.session, marks)
    gate_state(request).carry_over(request, user_id)
    begun = {"user_id": arrival.user_id, "acts_as": user_id}
    log_records.write("impersonation_began", request, **begun)
    return True


def carry_back(request: HttpRequest) -> bool:
    """Let the user who acted as somebody else be as verified as he was, and the other no longer.

    Call it right after the login that ends it, or where nobody is lent any more. Whoever proved
    nothing before has nothing to come back to, whatever was typed in meanwhile.

    Returns:
        True if he was verified by a code of his own (which may be too old by now).
    """
    user_id, arrival = logged_in(request), proof(request)
    if arrival is None or user_id is None or user_id not in arrival.marks:
        return False
    ended = {arrival.user_id} - {user_id}
    kept = {one: mark for one, mark in arrival.marks.items() if one not in ended}
    session.keep_marks(request.session, kept)
    gate_state(request).carry_over(request, user_id)
    log_records.write("impersonation_ended", request, user_id=user_id)
    return True


def stay_verified(*, request: HttpRequest, hijacker: Any, **_: object) -> None:
    """Receiver for `hijack_started` and `hijack_ended` of django-hijack: connect it to both."""
    if logged_in(request) == user_id_of(hijacker):
        carry_back(request)
    else:
        carry_over(request)


def logged_in(request: HttpRequest) -> str | None:
    """Return the primary key of the user whom `login` wrote into the session, or None."""
    return session.loaded(request.session).get(session.LOGIN)


def proof(request: HttpRequest) -> Arrival | None:
    """Return how this request came in, if it came in verified."""
    state: GateState | None = getattr(request, "otp_gate", None)
    # Not asked of the session: by now it holds the new login, or what somebody wrote into it.
    arrival = None if state is None else state.arrival
    return arrival if arrival is not None and arrival.status == "verified" else None
