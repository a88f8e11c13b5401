"""What the people who run a site may ask about a user's second step, and do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.views.decorators.debug import sensitive_variables

from otp_gate import codes, store
from otp_gate.challenge import Challenge, longest_window, understood
from otp_gate.conf import gate_config
from otp_gate.outcomes import Outcome, Reply

FACTOR = "operator"
"""The factor by which a session is verified that such a code opened; `lua/record.lua` knows it."""

MAX_TTL = 600
"""Seconds: ASVS 6.5.5 and NIST allow no more to any code that is not typed in at once."""


class Live(NamedTuple):
    """A code on its way: seconds that it lives, and the wrong answers so far. Never the code."""

    reference: str
    factor: str
    expires_in: float
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is known of a user's second step. Times in seconds."""

    locked_for: float | None
    """0 if it is open, None if only `unlock` or a new password opens it."""
    lock: float
    """How much of that is a lock after wrong answers in a row."""
    held: float
    """No new codes for so long, since somebody said "this wasn't me"."""
    in_a_row: int
    in_a_day: int
    sent: tuple[int, ...]
    """Codes sent, for each window of SENDS."""
    live: tuple[Live, ...]
    """The codes that may be typed in now."""

    @property
    def operator(self) -> Live | None:
        """The code that an operator has made, if it waits."""
        return next((item for item in self.live if item.factor == FACTOR), None)


def account_of(user: Any) -> Account:
    """Ask what is known of a user, and change nothing.

    Raises:
        StoreUnavailable: Redis did not answer. So do all functions here.
    """
    config = gate_config()
    challenge = Challenge.of(user, "")
    told = store.run_for_user(
        store.STATUS,
        challenge.user,
        config.failures.per_day,
        challenge.credential,
        config.code_attempts,
        *(window for _, window in config.sends),
    )
    with understood():
        standing, sent, live = told
        codes_alive = [
            Live(reference, factor, int(expires) / 1000, int(wrong))
            for reference, factor, expires, wrong in zip(*[iter(live)] * 4, strict=True)
        ]
        wait, lock, held, in_a_row, in_a_day = map(int, standing)
        return Account(
            locked_for=None if wait < 0 else wait / 1000,
            lock=lock / 1000,
            held=held / 1000,
            in_a_row=in_a_row,
            in_a_day=in_a_day,
            sent=tuple(map(int, sent)),
            live=tuple(sorted(codes_alive, key=lambda item: item.expires_in)),
        )


@sensitive_variables()
def new_code(user: Any, ttl: int) -> str | None:
    """Return a code that opens one half-authenticated session of this user, once.

    None while the user is locked: then somebody is guessing, and the operator must know it.
    """
    config = gate_config()
    code = codes.make_code(config.code_length)
    challenge = Challenge.of(user, "")
    kept = store.run_for_user(
        store.OPERATOR,
        challenge.user,
        codes.operator_digest(challenge.user_id, code),
        ttl * 1000,
        config.failures.per_day,
        challenge.credential,
        longest_window(config),
    )
    with understood():
        return code if int(kept) else None


def peek(user: Any) -> Reply:
    """Return what somebody may type in whom no factor can reach: ALIVE, or UNREACHABLE."""
    waiting = account_of(user).operator
    if waiting is None:
        return Reply(outcome=Outcome.UNREACHABLE)
    left = gate_config().code_attempts - waiting.wrong
    return Reply(
        outcome=Outcome.ALIVE,
        factor=FACTOR,
        expires_in=waiting.expires_in,
        attempts_left=left,
    )


@sensitive_variables()
def answer(challenge: Challenge, typed: object) -> Reply:
    """Verify what somebody typed whom no factor can reach; UNREACHABLE if nothing was waiting."""
    reply = challenge.answer(typed)
    final = (Outcome.ACCEPTED, Outcome.LOCKED, Outcome.DISOWNED)
    if reply.outcome in final or (reply.outcome is Outcome.INVALID and reply.counted):
        return reply
    return Reply(outcome=Outcome.UNREACHABLE)
