"""Limits that users share: codes of the whole site, codes to one destination, wrong answers."""

from __future__ import annotations

import json

from otp_gate import codes, scripts, store
from otp_gate.conf import gate_config
from otp_gate.replies import understood

NOWHERE = "--------"
"""In place of the digest of a destination, for a factor that names none."""

ALARM_EACH = 10
"""Wrong answers of one user that count for `ALARM` within its window."""


def wait_for(digest: str, place: str, *, proven: bool) -> int:
    """Return for how long (ms) limits that users share forbid this code; 0 if none does.

    Whoever has had a code accepted at this destination is spared the one for it: strangers who
    name an address must not use up what its owner needs.

    Args:
        place: digest of the destination and factor, see `challenge.places_of`.
    """
    config = gate_config()
    if config.global_sends is not None:
        number, window = config.global_sends
        key = store.site_key("sends")
        answer = store.run(scripts.WINDOW, [key], [digest, number, window * 1000])
        with understood():
            allowed, wait = map(int, answer)
        if allowed != 1:
            return max(wait, 1)
    destination = place[: len(NOWHERE)]
    if proven or destination == NOWHERE or not config.sends:
        return 0
    key = store.destination_key(destination)
    wait = store.run(scripts.SHARED, [key], [json.dumps({"id": digest[:8]})])
    with understood():
        return int(wait)


def alarm(user_id: str, number: int, window: int) -> int:
    """Count a wrong answer of the whole site; return the multiple of `number` it reaches, or 0."""
    given = {
        "id": codes.new_attempt(),
        "user": codes.user_digest(user_id),
        "number": number,
        "window": window * 1000,
        "each": ALARM_EACH,
    }
    answer = store.run(scripts.ALARM, [store.site_key("alarm")], [json.dumps(given)])
    with understood():
        return int(answer)
