"""When deliveries fail for the whole site: stop handing codes over for a while.

Each failure of one user is counted in that user's record. This is the budget of the site: a mail
server that is down, or a text-message gateway that takes each message and answers too late, must
not be called as often as people can be made to sign in.
"""

from __future__ import annotations

import logging
import time

from otp_gate import codes, scripts, store

logger = logging.getLogger("otp_gate")

FAILURES = 200
"""Deliveries of the whole site that may fail within WINDOW."""

WINDOW = 900
"""Seconds."""

PAUSE = 30
"""Seconds for which a process hands nothing over, once it hears that the budget is spent."""


class Pause:
    """Until when this process hands nothing over, in seconds of `time.monotonic`."""

    until = 0.0


def wait() -> float:
    """Return for how many seconds nothing is to be handed over; 0 or less for none."""
    return Pause.until - time.monotonic()


def count() -> None:
    """Count a delivery that failed. Raises StoreUnavailable: Redis did not answer."""
    key = store.site_key("failed")
    allowed, _ = store.run(scripts.WINDOW, [key], [codes.new_attempt(), FAILURES, WINDOW * 1000])
    if not allowed:
        Pause.until = time.monotonic() + PAUSE
        logger.error("Too many deliveries fail: nothing is sent for %d seconds", PAUSE)
