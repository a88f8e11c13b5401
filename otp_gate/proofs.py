"""Whether a code that was typed into this session counts for the user for whom a view acts.

A view acts for the user that it sees at that moment. A decorator, a middleware, a token or a link
may have put another user there than the one that the gate judged. The code of one user proves
nothing about another user (OWASP ASVS 5.0, 7.2.4).
"""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest

from otp_gate import identity, session
from otp_gate.state import gate_state

Names = tuple[str | None, str | None]
Standing = Literal["proved", "due", "foreign"]


def acting(request: HttpRequest) -> Names:
    """Return the id of the user in `request.user`, and of the one in `auser` if it is another.

    Loads the user: a session whose password has changed, or whose user is gone, names nobody.
    """
    request.user.is_authenticated  # noqa: B018
    return identity.user_ids(request, session.loaded(request.session))


async def aacting(request: HttpRequest) -> Names:
    """See `acting`."""
    await identity.load(request)
    return await identity.auser_ids(request, session.loaded(request.session))


def mark_now(request: Any, user: Any) -> session.Mark | None:
    """Return the mark of this user, if it counted at the gate and is still in the session."""
    mark = gate_state(request).mark_for(user)
    if mark is None:
        return None
    # A log-in or log-out inside this view has ended it, or another session took the place.
    still = session.fresh_mark(session.loaded(request.session), identity.user_id_of(user))
    return None if still is None else mark


def standing_of(request: HttpRequest, names: Names, max_age: int | None) -> Standing:
    """Say what this session proves about the users for whom a view acts.

    Args:
        names: what `acting` returned; the first of them is somebody.
        max_age: how long ago (seconds) the code may have been typed in; None for any time.

    Returns:
        "proved"; "due" if a code typed into this session would prove it; "foreign" if it would not,
        because the session belongs to another user.
    """
    user_id, other = names
    data = session.loaded(request.session)
    login = data.get(session.LOGIN)
    if other is not None:
        # While a verified user acts as another one, `auser` is still the first one, who cannot
        # renew the own code under that name. Any other second user must be as fresh.
        mark = session.mark_of(data, other)
        if mark is None or (other != login and session.is_stale(mark, max_age)):
            return "foreign"
    proof = mark_now(request, request.user)
    if proof is not None and not session.is_stale(proof, max_age):
        return "proved"
    # Never a step-up in the session of another user: its page would ask that user for a code.
    lent = session.mark_of(data, user_id) is not None and gate_state(request).user_id == user_id
    return "due" if user_id == login or lent else "foreign"
