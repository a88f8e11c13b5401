"""The engine: issue and verify one code, for one user in one half-authenticated session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.views.decorators.debug import sensitive_variables

from otp_gate import codes, store
from otp_gate.conf import GateConfig, gate_config
from otp_gate.exceptions import CodeInDoubt, StoreUnavailable
from otp_gate.identity import user_id_of
from otp_gate.outcomes import Outcome, Reply

DAY = 86_400
DISOWN_WORDS = ("done", "used", "none")


class Challenge(NamedTuple):
    """One user in one half-authenticated session, named by the nonce in that session.

    `credential` digests the user's stored password: a new one lifts a stop, since a password
    reset proves the mailbox. (So does a rehash by a newer Django; the 24-hour limit stays.)
    `lost` are digests of codes that nobody was sent and that Redis may hold all the same: every
    call takes them back first, in its own round trip.
    """

    user_id: str
    nonce: str
    credential: str
    lost: tuple[str, ...] = ()

    @classmethod
    def of(cls, user: Any, nonce: str, lost: Sequence[str] = ()) -> Challenge:
        """Return the challenge of this user in the session that holds this nonce."""
        credential = codes.credential_digest(str(getattr(user, "password", "")))
        return cls(user_id_of(user), nonce, credential, tuple(map(str, lost)))

    @property
    def user(self) -> str:
        return codes.user_digest(self.user_id)

    @property
    def tag(self) -> str:
        return codes.nonce_digest(self.nonce)

    def peek(self) -> Reply:
        """Ask what is pending, and change nothing (but for what was lost).

        Raises:
            StoreUnavailable: Redis did not answer. So do all methods.
        """
        return self._issue("", "", "peek")

    @sensitive_variables()
    def issue(self, code: str, factor: str, *, another: bool = False) -> Reply:
        """Store the digest of `code` and count the send; ISSUED if it may be delivered now.

        Answers ALIVE where a code is alive already, unless `another` is asked for.

        Raises:
            CodeInDoubt: Redis may hold the code all the same; give its digest to the next call.
        """
        digest = codes.code_digest(self.user_id, self.nonce, code)
        with in_doubt(digest):
            reply = self._issue(digest, factor, "new" if another else "open")
            quota = gate_config().global_sends
            if reply.outcome is not Outcome.ISSUED or quota is None:
                return reply
            key = store.site_key("sends")
            if self.lost:
                store.discount(key, *self.lost)
            answer = store.run(store.WINDOW, [key], [digest, quota[0], quota[1] * 1000])
            with understood():
                allowed, wait = map(int, answer)
        if allowed:
            return reply
        self.withdraw(code)
        return self.peek()._replace(outcome=Outcome.COOLDOWN, retry_after=wait / 1000)

    def _issue(self, digest: str, factor: str, mode: str) -> Reply:
        config = gate_config()
        return parse(
            store.run_for_user(
                store.ISSUE,
                self.user,
                self.tag,
                digest,
                codes.new_references(),
                factor,
                config.code_ttl * 1000,
                mode,
                config.resend_cooldown * 1000,
                config.code_attempts,
                config.failures.per_day,
                self.credential,
                longest_window(config),
                ",".join(self.lost),
                *(number for pair in config.sends for number in pair),
            )
        )

    @sensitive_variables()
    def withdraw(self, code: str) -> None:
        """Take back a code that was not delivered: it costs nobody anything. Raises as `issue`."""
        digest = codes.code_digest(self.user_id, self.nonce, code)
        with in_doubt(digest):
            store.run_for_user(store.WITHDRAW, self.user, self.tag, digest)
            if gate_config().global_sends is not None:
                store.discount(store.site_key("sends"), digest)

    @sensitive_variables()
    def verify(self, code: str) -> Reply:
        """Count an attempt, compare, consume. ACCEPTED is the only word that opens a session."""
        config = gate_config()
        limits = config.failures
        return parse(
            store.run_for_user(
                store.VERIFY,
                self.user,
                self.tag,
                codes.code_digest(self.user_id, self.nonce, code),
                codes.new_attempt(),
                config.code_attempts,
                config.resend_cooldown * 1000,
                limits.lock_after,
                limits.lock * 1000,
                limits.lock_max * 1000,
                limits.per_day,
                limits.stop,
                self.credential,
                longest_window(config),
                ",".join(self.lost),
                codes.operator_digest(self.user_id, code),
            )
        )

    @sensitive_variables()
    def answer(self, typed: object) -> Reply:
        """Verify what a person typed; what cannot be a code is not compared, and not counted."""
        code = codes.normalise(typed, gate_config().code_length)
        if code is not None:
            return self.verify(code)
        reply = self.peek()
        if reply.outcome in (Outcome.LOCKED, Outcome.DISOWNED):
            return reply
        return reply._replace(outcome=Outcome.INVALID, counted=False)

    def guess(self, compare: Callable[[], Reply]) -> Reply:
        """Count a guess, let a factor compare it, and forgive it if it was right.

        For factors that compare outside Redis. While the user is locked or the login is disowned,
        `compare` is not called. A process that dies in between leaves the guess counted.

        Raises:
            StoreUnavailable: also where a right guess could not be forgiven; the session stays
                shut.
        """
        config = gate_config()
        limits, attempt, longest = config.failures, codes.new_attempt(), longest_window(config)
        claimed = store.run_for_user(
            store.CLAIM,
            self.user,
            self.tag,
            attempt,
            limits.lock_after,
            limits.lock * 1000,
            limits.lock_max * 1000,
            limits.per_day,
            limits.stop,
            self.credential,
            longest,
        )
        counted = parse(claimed)
        if counted.outcome is not Outcome.ALIVE:
            return counted
        reply = compare()
        if reply.outcome is Outcome.ACCEPTED:
            if store.run_for_user(store.SETTLE, self.user, self.tag, attempt, longest) != 1:
                raise StoreUnavailable("Redis (an attempt that nobody knows)")
            return reply
        if reply.outcome is not Outcome.INVALID:
            return reply
        return reply._replace(
            retry_after=counted.retry_after,
            locked_now=counted.locked_now,
            locked=counted.locked_now,
            counted=True,
        )

    def discard(self) -> None:
        """Take the live code away (a log-out). Its mail may still be disowned."""
        store.forget(store.record_key(self.user), [kind + self.tag for kind in "couap"])


@contextmanager
def in_doubt(digest: str) -> Iterator[None]:
    """Name the code whose fate is unknown where Redis does not answer."""
    try:
        yield
    except StoreUnavailable as error:
        raise CodeInDoubt(str(error), digest) from error


@contextmanager
def understood() -> Iterator[None]:
    """Take an answer that no script of ours gives (a broken proxy's) for no answer at all."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise StoreUnavailable("Redis (an answer that means nothing)") from error


def alarm(number: int, window: int) -> bool:
    """Count a wrong answer of the whole site; True if it is the one that gives the alarm."""
    key = store.site_key("alarm")
    given = store.run(store.ALARM, [key], [codes.new_attempt(), number, window * 1000])
    return bool(given == 1)


def disown(user_id: str, tag: str) -> str:
    """Kill the code and the session behind a mail; return "done", "used" or "none".

    No new code is sent to this user for as long as the longest lock: whoever asked for this one
    knows the password, and would ask again.
    """
    config = gate_config()
    done = store.run_for_user(
        store.DISOWN,
        codes.user_digest(user_id),
        tag,
        codes.new_attempt(),
        config.failures.lock_max * 1000,
        longest_window(config),
    )
    with understood():
        return DISOWN_WORDS[DISOWN_WORDS.index(done)]


class Lifted(NamedTuple):
    """What `unlock` took away: a stop, seconds of a lock and of a hold, numbers."""

    stopped: bool
    lock: float
    held: float
    in_a_row: int
    in_a_day: int
    sent: int


def unlock(user_id: str) -> Lifted:
    """Lift every lock of a user's second step; forget the wrong answers and the codes sent.

    The window of 24 hours and the budget of SENDS too: either would keep the user out.
    """
    user = codes.user_digest(user_id)
    answer = store.run_for_user(store.UNLOCK, user, longest_window(gate_config()))
    with understood():
        stopped, lock, held, *numbers = map(int, answer)
        return Lifted(bool(stopped), lock / 1000, held / 1000, *numbers)


def longest_window(config: GateConfig) -> int:
    return max([DAY, config.failures.lock_max, *(window for _, window in config.sends)])


@understood()
def parse(answer: list[str]) -> Reply:
    """Read the reply of a script; see `lua/record.lua`."""
    word, reference, factor, expires, resend, left, retry, superseded, locked_now = answer
    wait = int(retry)
    return Reply(
        outcome=Outcome(word),
        reference=reference,
        factor=factor,
        expires_in=int(expires) / 1000,
        resend_in=int(resend) / 1000,
        attempts_left=int(left) if int(left) >= 0 else None,
        retry_after=None if wait < 0 else wait / 1000,
        superseded_reference=superseded,
        locked_now=locked_now == "1",
        locked=wait != 0 and word in (Outcome.LOCKED, Outcome.INVALID),
    )
