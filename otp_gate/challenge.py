"""The engine: issue and verify one code, for one user in one half-authenticated session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from django.views.decorators.debug import sensitive_variables

from otp_gate import codes, scripts, site_limits, store
from otp_gate.conf import gate_config
from otp_gate.exceptions import CodeInDoubt, StoreUnavailable
from otp_gate.identity import user_id_of
from otp_gate.outcomes import Outcome, Reply
from otp_gate.replies import parse, understood
from otp_gate.site_limits import NOWHERE

NO_PLACES: Mapping[str, str] = MappingProxyType({})


DISOWN_WORDS = ("done", "used", "none")


class Challenge(NamedTuple):
    """One user in one half-authenticated session, named by the nonce in that session.

    `credential` digests the user's stored password: with it end a lock, a hold and a row of wrong
    answers, since a password reset proves the mailbox. (So does a rehash by a newer Django; the
    24-hour limit stays.) `lost` are digests of codes that nobody was sent and that Redis may hold
    all the same: every call takes them back first. `places` name where the codes of each
    factor go now, see `places_of`: a code that went elsewhere is void. All digests of a challenge
    are of one `realm`: the one in force when `of` was called, or at each call where it is None.
    """

    user_id: str
    nonce: str
    credential: str
    lost: tuple[str, ...] = ()
    places: Mapping[str, str] = NO_PLACES
    realm: str | None = None

    @classmethod
    def of(cls, user: Any, nonce: str, lost: Sequence[str] = ()) -> Challenge:
        """Return the challenge of this user in the session that holds this nonce."""
        realm = codes.realm_in_force()
        return cls(
            user_id_of(user),
            nonce,
            credential_of(user, realm),
            tuple(map(str, lost)),
            places_of(user, realm),
            realm,
        )

    @property
    def user(self) -> str:
        return codes.user_digest(self.user_id, self.realm)

    @property
    def tag(self) -> str:
        return codes.nonce_digest(self.nonce, self.realm)

    @sensitive_variables()
    def digest(self, code: str) -> str:
        """Return the digest of a code that belongs to this challenge."""
        return codes.code_digest(self.user_id, self.nonce, code, self.realm)

    def _run(self, script: scripts.Script, **given: object) -> Any:
        user, tag = self.user, self.tag
        if self.lost:
            # First, each time: the script that kept one may have run long after its caller gave up.
            store.run_for_user(
                scripts.WITHDRAW, user, tag=tag, who=self.credential, codes=self.lost, failed=False
            )
            if gate_config().global_sends is not None:
                store.discount(store.site_key("sends"), *self.lost)
        to = "".join([f"{place}," for place in self.places.values()])
        return store.run_for_user(script, user, tag=tag, who=self.credential, to=to, **given)

    def peek(self) -> Reply:
        """Ask what is pending, and change nothing (but for what was lost).

        Raises:
            StoreUnavailable: Redis did not answer. So do all methods.
        """
        return parse(self._run(scripts.LOOK))

    @sensitive_variables()
    def issue(self, code: str, factor: str, *, another: bool = False) -> Reply:
        """Store the digest of `code` and count the send; ISSUED if it may be delivered now.

        Answers ALIVE where a code is alive already, unless `another` is asked for.

        Raises:
            CodeInDoubt: Redis may hold the code all the same; give its digest to the next call.
        """
        digest = self.digest(code)
        with in_doubt(digest):
            answer = self._run(
                scripts.ISSUE,
                code=digest,
                place=self.places.get(factor, NOWHERE + factor),
                references=codes.new_references(),
                another=another,
            )
            reply = parse(answer)
            if reply.outcome is not Outcome.ISSUED:
                return reply
            place = self.places.get(factor, NOWHERE)
            wait = site_limits.wait_for(digest, place, proven=":n:" not in answer)
        if wait == 0:
            return reply
        self.withdraw(code)
        return self.peek()._replace(outcome=Outcome.COOLDOWN, retry_after=wait / 1000)

    @sensitive_variables()
    def withdraw(self, code: str, *, failed: bool = False) -> None:
        """Take back a code that was not delivered. Raises as `issue`.

        It uses nothing up; one that `failed` to be delivered counts in a budget of its own, since
        it may have been handed over all the same.
        """
        digest = self.digest(code)
        with in_doubt(digest):
            store.run_for_user(
                scripts.WITHDRAW,
                self.user,
                tag=self.tag,
                who=self.credential,
                codes=[digest],
                failed=failed,
            )
            if gate_config().global_sends is not None:
                store.discount(store.site_key("sends"), digest)

    @sensitive_variables()
    def verify(self, code: str) -> Reply:
        """Count an attempt, compare, consume. ACCEPTED is the only word that opens a session."""
        answer = self._run(
            scripts.VERIFY,
            attempt=codes.new_attempt(),
            code=self.digest(code),
            operator=codes.operator_digest(self.user_id, code, self.realm),
        )
        return parse(answer)

    @sensitive_variables()
    def answer(self, typed: object) -> Reply:
        """Verify what a person typed; what cannot be a code is not compared, and not counted."""
        code = codes.normalise(typed, gate_config().code_length)
        if code is not None:
            return self.verify(code)
        reply = self.peek()
        if reply.outcome in (Outcome.LOCKED, Outcome.DISOWNED, Outcome.HELD):
            return reply
        return reply._replace(outcome=Outcome.INVALID, counted=False)

    def guess(self, compare: Callable[[], Reply], factor: str) -> Reply:
        """Count a guess, let a factor compare it, and forgive it if it was right.

        For factors that compare outside Redis. While the user is locked or the login is disowned,
        `compare` is not called. A process that dies in between leaves the guess counted.

        Raises:
            StoreUnavailable: also where a right guess could not be forgiven; the session stays
                shut.
        """
        who, attempt = {"tag": self.tag, "who": self.credential}, codes.new_attempt()
        answer = store.run_for_user(scripts.CLAIM, self.user, **who, attempt=attempt)
        with understood():
            word, retry, flags = answer.split(":")
            wait, locked_now = int(retry), flags == "l"
        retry_after = None if wait < 0 else wait / 1000
        if word != "alive":
            return Reply(outcome=Outcome(word), retry_after=retry_after, locked=word == "locked")
        reply = compare()
        if reply.outcome is Outcome.ACCEPTED:
            settled = store.run_for_user(
                scripts.SETTLE, self.user, **who, attempt=attempt, factor=factor
            )
            if settled != 1:
                raise StoreUnavailable("Redis (an attempt that nobody knows)")
            return reply
        if reply.outcome is not Outcome.INVALID:
            return reply
        return reply._replace(
            retry_after=retry_after, locked_now=locked_now, locked=locked_now, counted=True
        )

    def discard(self) -> None:
        """Take the live code away (a log-out). Its mail may still be disowned."""
        store.run_for_user(scripts.DISCARD, self.user, tag=self.tag)


@contextmanager
def in_doubt(digest: str) -> Iterator[None]:
    """Name the code whose fate is unknown where Redis does not answer."""
    try:
        yield
    except StoreUnavailable as error:
        raise CodeInDoubt(str(error), digest) from error


def disown(user: Any, tag: str) -> str:
    """Kill the code and the session behind a mail; return "done", "used" or "none".

    No new code is sent to this user for as long as the longest lock, or until there is a new
    password: whoever asked for this one knows the password, and would ask again.
    """
    done = store.run_for_user(
        scripts.DISOWN,
        codes.user_digest(user_id_of(user)),
        tag=tag,
        who=credential_of(user),
        id=codes.new_attempt(),
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


def unlock(user_id: str, places: Iterable[str] = ()) -> Lifted:
    """Lift every lock of a user's second step; forget the wrong answers and the codes sent.

    The window of 24 hours and the budget of SENDS too: either would keep the user out. So would
    the budget of a destination that is not proven: `places` are the user's, see `places_of`.
    """
    user = codes.user_digest(user_id)
    for place in places:
        store.remove(store.destination_key(place[: len(NOWHERE)]))
    answer = store.run_for_user(scripts.UNLOCK, user, tag="")
    with understood():
        stopped, lock, held, *numbers = map(int, answer)
        return Lifted(bool(stopped), lock / 1000, held / 1000, *numbers)


def credential_of(user: Any, realm: str | None = None) -> str:
    """Return the digest of a user's stored password."""
    return codes.credential_digest(str(getattr(user, "password", "")), realm)


def places_of(user: Any, realm: str | None = None) -> dict[str, str]:
    """Return where this user's codes go now, by factor: digest of the destination, then factor."""
    found = {}
    for factor in gate_config().factors:
        ask = getattr(factor, "destination", None)
        destination = str(ask(user) or "") if ask is not None else ""
        if destination:
            digest = codes.destination_digest(factor.id, destination, realm)
            found[factor.id] = digest + factor.id
    return found
