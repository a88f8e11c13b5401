"""What the people who run a site may ask about a user's second step, and do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.views.decorators.debug import sensitive_variables

from otp_gate import codes, scripts, store
from otp_gate.challenge import Challenge, credential_of
from otp_gate.conf import gate_config
from otp_gate.identity import user_id_of
from otp_gate.limits import OPERATOR_TTL
from otp_gate.outcomes import Outcome, Reply
from otp_gate.replies import understood

FACTOR = "operator"
"""The factor by which a session is verified that such a code opened; `lua/verify.lua` knows it."""

MAX_TTL = OPERATOR_TTL


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
    challenge = Challenge.of(user, "")
    told = store.run_for_user(
        scripts.STATUS,
        challenge.user,
        tag="",
        who=challenge.credential,
        to="".join(f"{place}," for place in challenge.places.values()),
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

    None while the user is locked, or codes are held back: then somebody has the password, and the
    operator must know it.
    """
    code = codes.make_code(gate_config().code_length)
    user_id = user_id_of(user)
    kept = store.run_for_user(
        scripts.OPERATOR,
        codes.user_digest(user_id),
        tag="",
        who=credential_of(user),
        code=codes.operator_digest(user_id, code),
        ttl=ttl * 1000,
    )
    with understood():
        return code if int(kept) == 1 else None


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
    final = (Outcome.ACCEPTED, Outcome.LOCKED, Outcome.HELD, Outcome.DISOWNED)
    if reply.outcome in final or (reply.outcome is Outcome.INVALID and reply.counted):
        return reply
    return Reply(outcome=Outcome.UNREACHABLE)
