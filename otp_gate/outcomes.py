"""The words in which the modules answer each other."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Outcome(enum.StrEnum):
    """What became of a request to issue or to verify a code.

    The scripts in `lua/` answer with these very words, so `Outcome(word)` is the whole parser.
    Only `ACCEPTED` opens a session: every other word, also one that nobody knows, is a refusal.
    """

    # verify
    ACCEPTED = "accepted"
    INVALID = "invalid"
    SUPERSEDED = "superseded"
    """The code of an earlier mail of the same login: not compared as right, not counted."""
    # issue
    ISSUED = "issued"
    COOLDOWN = "cooldown"
    UNDELIVERABLE = "undeliverable"
    UNREACHABLE = "unreachable"
    """No factor can reach this person."""
    # the state of a challenge, answered by both
    ALIVE = "alive"
    EXPIRED = "expired"
    USED_UP = "used_up"
    """Too many wrong answers: this code is void."""
    NONE = "none"
    LOCKED = "locked"
    HELD = "held"
    """No codes are sent for a while, since somebody said "this wasn't me"."""
    DISOWNED = "disowned"
    """The person said "this wasn't me": this login must not go on."""


class Reply(NamedTuple):
    """An outcome, and what a person needs to know about the challenge. Times in seconds."""

    outcome: Outcome
    reference: str = ""
    factor: str = ""
    expires_in: float = 0.0
    resend_in: float = 0.0
    attempts_left: int | None = None
    retry_after: float | None = None
    """For LOCKED, HELD, COOLDOWN, UNDELIVERABLE; None when only an administrator lifts the lock."""
    superseded_reference: str = ""
    locked_now: bool = False
    """True for the one wrong answer that locked this user: it is this one that tells the person."""
    counted: bool = True
    """False for what was INVALID without being compared: it is no guess."""
    locked: bool = False
    """True if the user's second step is locked after this answer."""
