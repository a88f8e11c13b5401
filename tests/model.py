"""The rules of DESIGN section 5 in plain Python: lists, a clock that is a number, no Redis.

It shares nothing with the package but the words. The machine in `test_properties` plays against
both and compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

DAY = 86_400


@dataclass(frozen=True)
class Limits:
    """A table of limits; the keys are those of OTP_GATE, or of its FAILURES, in lower case.

    In tests that let time pass in steps of 100 seconds, no limit may be near a multiple of 100:
    a real Redis has a clock of its own, which goes on while a test runs.
    """

    code_ttl: int = 350
    code_attempts: int = 3
    resend_cooldown: int = 60
    sends: tuple[tuple[int, int], ...] = ((4, 950), (9, DAY))
    lock_after: int = 4
    lock: int = 60
    lock_max: int = 150
    per_day: int = 9
    stop: int = 12
    pending_ttl: int = 2050
    verified_ttl: int = 3050

    @property
    def as_settings(self) -> dict[str, object]:
        failures = ("lock_after", "lock", "lock_max", "per_day", "stop")
        found: dict[str, object] = {
            name.upper(): value for name, value in vars(self).items() if name not in failures
        }
        return {**found, "FAILURES": {name: getattr(self, name) for name in failures}}


@dataclass
class Account:
    """What is remembered of a user, whatever session asks."""

    name: str
    limits: Limits
    row: int = 0
    wrong: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    locked_until: float = 0
    held_until: int = 0
    proven: int | None = None
    shared: list[int] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)

    def is_locked(self, now: int) -> bool:
        return (
            now < self.locked_until
            or len([at for at in self.wrong if now - at < DAY]) >= self.limits.per_day
        )

    def may_be_sent(self, now: int) -> bool:
        """Until a code was typed in, what went to the address counts as well, typed in or not."""
        logs = [self.sent] if self.is_proven(now) else [self.sent, self.shared]
        return all(
            len([at for at in log if now - at < window]) < number
            for log in logs
            for number, window in self.limits.sends
        )

    def is_proven(self, now: int) -> bool:
        return self.proven is not None and now - self.proven < 90 * DAY

    def count_wrong(self, now: int) -> None:
        """Count a wrong answer; a lock voids the codes of every session."""
        limits = self.limits
        self.row += 1
        self.wrong.append(now)
        if self.row % limits.lock_after == 0:
            doubled = limits.lock * 2 ** (self.row // limits.lock_after - 1)
            self.locked_until = now + min(doubled, limits.lock_max)
        if self.row >= limits.stop:
            self.locked_until = math.inf
        if self.is_locked(now):
            for challenge in self.challenges:
                challenge.attempts = limits.code_attempts

    def unlock(self) -> None:
        self.row, self.wrong, self.sent, self.locked_until, self.held_until = 0, [], [], 0, 0


@dataclass
class Challenge:
    """One user in one half-authenticated session."""

    account: Account
    code: str | None = None
    issued: int = 0
    attempts: int = 0
    older: list[str] = field(default_factory=list)
    used: bool = False
    disowned: bool = False

    def __post_init__(self) -> None:
        self.account.challenges.append(self)

    def state(self, now: int) -> str:
        limits = self.account.limits
        if self.disowned:
            return "disowned"
        if self.code is None:
            return "none"
        if now - self.issued >= limits.code_ttl:
            return "expired"
        return "used_up" if self.attempts >= limits.code_attempts else "alive"

    def standing(self, now: int) -> str:
        """Say what an answer would meet."""
        state = self.state(now)
        return "locked" if state != "disowned" and self.account.is_locked(now) else state

    def peek(self, now: int) -> str:
        """Say what is pending."""
        state = self.standing(now)
        paused = state not in ("alive", "disowned", "locked") and now < self.account.held_until
        return "held" if paused else state

    def ask(self, now: int, *, another: bool) -> str:
        """Say what becomes of a request for a code; after "issued" comes `issue`."""
        state = self.peek(now)
        if state in ("disowned", "locked", "held") or (state == "alive" and not another):
            return state
        if now < self.account.held_until:
            return "held"
        if self.code is not None and now - self.issued < self.account.limits.resend_cooldown:
            return "cooldown"
        return "issued" if self.account.may_be_sent(now) else "too_many"

    def issue(self, now: int, code: str) -> None:
        if not self.account.is_proven(now):
            self.account.shared.append(now)
        self.account.sent.append(now)
        self.older += [self.code] if self.code is not None else []
        self.code, self.issued, self.attempts = code, now, 0

    def answer(self, now: int, typed: str) -> str:
        """Say what becomes of an answer."""
        state = self.standing(now)
        if state != "alive":
            return state
        if typed != self.code and typed in self.older:
            return "superseded"
        if typed == self.code:
            self.discard()
            self.used = True
            self.account.proven = now
            # Gone already, where an administrator has forgotten what was sent.
            if self.issued in self.account.sent:
                self.account.sent.remove(self.issued)
            self.account.row, self.account.locked_until = 0, 0
            return "accepted"
        self.attempts += 1
        self.account.count_wrong(now)
        return "invalid"

    def discard(self) -> None:
        """Forget the code: the session is gone, or has no need of it."""
        self.code, self.older = None, []

    def disown(self, now: int) -> str:
        """Say what the link of the mail does."""
        if self.disowned:
            return "invalid"
        self.disowned = True
        self.discard()
        self.account.held_until = now + self.account.limits.lock_max
        return "used" if self.used else "done"
