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
    """What is remembered of a user, whatever session asks.

    `mailboxes` are the codes sent to each address that was not proven then, of all users together.
    """

    name: str
    limits: Limits
    address: str
    mailboxes: dict[str, list[int]]
    row: int = 0
    wrong: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    locked_until: float = 0
    held_until: int = 0
    paused_until: int = 0
    proven: dict[str, int] = field(default_factory=dict)
    challenges: list[Challenge] = field(default_factory=list)

    def is_locked(self, now: int) -> bool:
        wrong = self.within(self.wrong, DAY, now)
        return now < self.locked_until or wrong >= self.limits.per_day

    @staticmethod
    def within(log: list[int], window: int, now: int) -> int:
        """Return how many entries of a log lie inside a window (s)."""
        return sum(now - at < window for at in log)

    def is_spent(self, log: list[int], now: int) -> bool:
        """Say if a log has as many entries as SENDS permits in one of its windows."""
        return any(self.within(log, window, now) >= number for number, window in self.limits.sends)

    @property
    def mailbox(self) -> list[int]:
        return self.mailboxes.setdefault(self.address, [])

    def is_proven(self, now: int) -> bool:
        """Say if a code from the address of now was typed in, and not too long ago."""
        return self.address in self.proven and now - self.proven[self.address] < 90 * DAY

    def count_code(self, now: int) -> None:
        """Count a code for its mailbox, whatever becomes of it."""
        if not self.is_proven(now):
            self.mailbox.append(now)

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

    def renew_password(self) -> None:
        """End all that belongs to one password: not the wrong answers of a day."""
        self.row, self.sent, self.failed = 0, [], []
        self.locked_until, self.held_until, self.paused_until = 0, 0, 0

    def unlock(self) -> None:
        self.renew_password()
        self.wrong = []
        self.mailbox.clear()


@dataclass
class Challenge:
    """One user in one half-authenticated session."""

    account: Account
    code: str | None = None
    issued: int = 0
    attempts: int = 0
    address: str = ""
    older: list[str] = field(default_factory=list)
    used: bool = False
    disowned: bool = False

    def __post_init__(self) -> None:
        self.account.challenges.append(self)

    def state(self, now: int) -> str:
        limits = self.account.limits
        if self.disowned:
            return "disowned"
        if not self.has_code:
            return "none"
        if now - self.issued >= limits.code_ttl:
            return "expired"
        return "used_up" if self.attempts >= limits.code_attempts else "alive"

    @property
    def has_code(self) -> bool:
        """Say if there is a code, and it went to where the user's codes go now."""
        return self.code is not None and self.address == self.account.address

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
        """Say what becomes of a request for a code; after "issued" comes `issue` or `fail`."""
        account = self.account
        state = self.peek(now)
        if state in ("disowned", "locked", "held") or (state == "alive" and not another):
            return state
        if now < account.held_until:
            return "held"
        if self.has_code and now - self.issued < account.limits.resend_cooldown:
            return "cooldown"
        if now < account.paused_until or account.is_spent(account.failed, now):
            return "undeliverable"
        if account.is_spent(account.sent, now):
            return "too_many"
        is_crowded = not account.is_proven(now) and account.is_spent(account.mailbox, now)
        return "crowded" if is_crowded else "issued"

    def issue(self, now: int, code: str) -> None:
        self.account.count_code(now)
        self.account.sent.append(now)
        self.forget_elsewhere()
        self.older += [self.code] if self.code is not None else []
        self.code, self.issued, self.attempts = code, now, 0
        self.address = self.account.address

    def fail(self, now: int) -> None:
        """Note that a code could not be delivered; the one before it lives on."""
        account = self.account
        account.count_code(now)
        account.failed.append(now)
        account.paused_until = now + min(account.limits.resend_cooldown, 60)
        self.forget_elsewhere()

    def forget_elsewhere(self) -> None:
        """Forget codes that went to another address: one was made for the address of now."""
        if not self.has_code:
            self.discard()

    def answer(self, now: int, typed: str) -> str:
        """Say what becomes of an answer."""
        state = self.standing(now)
        if state != "alive":
            return state
        if typed != self.code and typed in self.older:
            return "superseded"
        if typed == self.code:
            self.account.proven[self.address] = now
            # Gone already, where an administrator has forgotten what was sent.
            if self.issued in self.account.sent:
                self.account.sent.remove(self.issued)
            self.account.failed, self.account.paused_until = [], 0
            return self.accept()
        self.attempts += 1
        self.account.count_wrong(now)
        return "invalid"

    def answer_by_itself(self, now: int, *, is_right: bool) -> str:
        """Say what becomes of an answer to a factor that sends nothing.

        It is counted before it is compared. What the count did to the user is given back to a right
        answer, but for one thing: where it locked, the codes of all sessions stay void.
        """
        account, state = self.account, self.standing(now)
        if state in ("disowned", "locked"):
            return state
        account.count_wrong(now)
        if not is_right:
            return "invalid"
        account.wrong.pop()
        return self.accept()

    def accept(self) -> str:
        self.discard()
        self.used = True
        self.account.row, self.account.locked_until = 0, 0
        return "accepted"

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
