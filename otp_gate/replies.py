"""Read what a script answers. What means nothing counts as no answer at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.outcomes import Outcome, Reply

MEANINGLESS = (AttributeError, TypeError, ValueError)
"""What reading an answer raises that no script of ours gives."""


@contextmanager
def understood() -> Iterator[None]:
    """Take an answer that no script of ours gives (a broken proxy's) for no answer at all."""
    try:
        yield
    except MEANINGLESS as error:
        raise meaningless() from error


def meaningless() -> StoreUnavailable:
    return StoreUnavailable("Redis (an answer that means nothing)")


def parse(answer: str) -> Reply:
    """Read the reply of a script; see `lua/challenge.lua`. Raises as `understood`."""
    # As `understood`, without the generator: each code asked for or answered passes here.
    try:
        return read(answer)
    except MEANINGLESS as error:
        raise meaningless() from error


def read(answer: str) -> Reply:
    word, *rest = answer.split(":")
    if word == "accepted":
        [factor] = rest
        return Reply(outcome=Outcome.ACCEPTED, factor=factor)
    retry, flags, seconds, microseconds, pause, locks, code = rest
    config, wait = gate_config(), int(retry or 0)
    now = int(seconds) * 1000 + int(microseconds) // 1000
    expires, resend, left = 0, 0, None
    if code:
        issued, wrong, before = int(code[:13]), int(code[13:17]), int(code[17:20])
        expires = issued + config.code_ttl * 1000 - now
        resend = issued + config.resend_cooldown * 1000 - now
        is_void = before != int(locks or 0) % 1000
        left = 0 if is_void else max(0, config.code_attempts - wrong)
    return Reply(
        outcome=Outcome(word),
        reference=code[20:22].strip(),
        factor=code[30:],
        expires_in=max(0, expires) / 1000,
        resend_in=max(0, resend, int(pause or 0) - now) / 1000,
        attempts_left=left,
        retry_after=None if wait < 0 else wait / 1000,
        superseded_reference=flags if word == "superseded" else "",
        locked_now=flags == "l",
        locked=wait != 0 and word in ("locked", "invalid"),
    )
