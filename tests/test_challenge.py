"""The engine, where the front door cannot reach: a call that runs twice, and every word it says.

A client library repeats a script whose answer was lost. Each test runs one with the same
arguments again, on the record that the first run left.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import pytest

from otp_gate import codes, scripts, store
from otp_gate.challenge import Challenge, unlock
from otp_gate.exceptions import StoreUnavailable
from otp_gate.outcomes import Outcome, Reply
from otp_gate.replies import parse
from tests.clock import Clock

TAG = "aaaaaaaa"
USER = "user"
WHO = "password"
DIGESTS = ["digest-of-code-1", "digest-of-code-2", "digest-of-code-3"]
TO = "mailbox1email,"


@pytest.fixture(autouse=True)
def still(clock: Clock) -> Clock:
    """No second passes between two runs."""
    return clock


def issue(
    digest: str = DIGESTS[0],
    another: bool = False,
    references: str = "A2B3C4D5E6F7G8H9",
    tag: str = TAG,
    who: str = WHO,
    to: str = TO,
) -> Reply:
    return parse(
        store.run_for_user(
            scripts.ISSUE, USER, tag=tag, who=who, to=to, code=digest, place=to[:-1],
            references=references, another=another,
        )
    )  # fmt: skip


def verify(digest: str, attempt: str, tag: str = TAG, who: str = WHO, to: str = TO) -> Reply:
    return parse(
        store.run_for_user(
            scripts.VERIFY, USER, tag=tag, who=who, to=to, code=digest, attempt=attempt, operator="",
        )
    )  # fmt: skip


def withdraw(*digests: str, failed: bool = False) -> int:
    answer: int = store.run_for_user(
        scripts.WITHDRAW, USER, tag=TAG, who=WHO, codes=digests, failed=failed
    )
    return answer


def disown(tag: str = TAG, who: str = WHO, name: str = "disown01") -> str:
    answer: str = store.run_for_user(scripts.DISOWN, USER, tag=tag, who=who, id=name)
    return answer


def record() -> dict[str, str]:
    found: dict[str, str] = store.client("default").hgetall(store.record_key(USER))
    return found


def again(act: Any) -> Any:
    """Run twice; return the answer, which has to be the same both times, on the same record."""
    first, after = act(), record()
    second = act()
    skip = ("expires_in", "resend_in", "retry_after")
    for name in Reply.__slots__:
        if name in skip:
            assert getattr(second, name) == pytest.approx(getattr(first, name), abs=0.5)
        else:
            assert getattr(second, name) == getattr(first, name)
    assert record() == after
    return first


def test_a_code_is_issued_once() -> None:
    """One send is counted, one code is alive, and both answers allow the mail."""
    assert again(issue).outcome is Outcome.ISSUED
    assert len(record()["s"]) == 10


def test_another_code_is_issued_once(still: Clock) -> None:
    """The second run knows its own code from the one before."""
    issue()
    still.advance(30)
    assert again(lambda: issue(DIGESTS[1], another=True)).outcome is Outcome.ISSUED
    assert len(record()["s"]) == 20
    assert verify(DIGESTS[0], "attempt1").outcome is Outcome.SUPERSEDED


def test_a_code_is_taken_back_once(still: Clock) -> None:
    """After a repeated call the older code is current as before, and one send is given back."""
    issue()
    still.advance(30)
    before = record()
    again(lambda: issue(DIGESTS[1], another=True))
    assert [withdraw(DIGESTS[1]) for _ in range(2)] == [1, 0]
    after = record()
    assert after == before
    assert verify(DIGESTS[0], "attempt1").outcome is Outcome.ACCEPTED


def test_the_first_code_is_taken_back_once() -> None:
    """Where there was none before, there is none afterwards: nothing is counted."""
    issue()
    assert withdraw(DIGESTS[0]) == 1
    assert record() == {"u": WHO}
    assert withdraw(DIGESTS[0]) == 0


def test_a_failed_delivery_is_counted_once() -> None:
    """In its own log, and not among the sends; a repeated call counts nothing more."""
    issue()
    assert [withdraw(DIGESTS[0], failed=True) for _ in range(2)] == [1, 0]
    assert len(record()["e"]) == 10
    assert "s" not in record()


def test_a_code_that_was_answered_is_not_taken_back() -> None:
    """A mail that was slow to fail, and arrived: the used code stays used."""
    issue()
    verify(DIGESTS[0], "attempt1")
    after = record()
    assert withdraw(DIGESTS[0]) == 0
    assert record() == after


def test_after_a_used_code_a_failed_one_changes_nothing(still: Clock) -> None:
    """A step-up whose mail fails leaves the used code disownable as used."""
    issue()
    verify(DIGESTS[0], "attempt1")
    still.advance(30)
    before = record()
    issue(DIGESTS[1])
    withdraw(DIGESTS[1])
    after = record()
    assert after == before
    assert disown() == "used"


def test_two_codes_in_one_second_give_back_one_send() -> None:
    """The window holds times; of two equal ones, one is taken out."""
    issue()
    store.client("default").hset(store.record_key(USER), "s", 2 * record()["s"])
    withdraw(DIGESTS[0])
    assert len(record()["s"]) == 10


def test_the_right_code_is_accepted_once() -> None:
    """The same attempt hears *accepted* again; any other one finds no code."""
    issue()
    assert again(lambda: verify(DIGESTS[0], "attempt1")).outcome is Outcome.ACCEPTED
    assert verify(DIGESTS[0], "attempt2").outcome is Outcome.NONE


def test_a_wrong_code_is_counted_once() -> None:
    """The same attempt hears *invalid* again, with the same number left."""
    issue()
    reply = again(lambda: verify("wrong", "attempt1"))
    assert (reply.outcome, reply.attempts_left) == (Outcome.INVALID, 4)
    assert verify("wrong", "attempt2").attempts_left == 3
    assert record()["u"].startswith("password:2:")


def test_an_attempt_cannot_borrow_the_answer_of_another() -> None:
    """Its id is compared whole and in its place."""
    issue()
    verify("wrong", "iattempt")
    verify("wrong", "attemptx")
    assert verify(DIGESTS[0], "ttemptxi").outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("limits", [{"lock_after": 2}, {"stop": 2}])
def test_a_lock_is_told_to_the_same_attempt_again(settings: Any, limits: dict[str, int]) -> None:
    """The answer that locked says so twice, so that the mail about it is not lost."""
    settings.OTP_GATE = {"FAILURES": limits}
    issue()
    verify("wrong", "attempt1")
    reply = again(lambda: verify("wrong", "attempt2"))
    assert (reply.outcome, reply.locked_now, reply.locked) == (Outcome.INVALID, True, True)
    assert reply.attempts_left == 0
    other = again(lambda: verify("wrong", "attempt3"))
    assert (other.outcome, other.locked_now) == (Outcome.LOCKED, False)


@pytest.mark.parametrize("state", ["none", "expired", "used_up", "superseded", "cooldown", "alive"])
def test_what_changes_nothing_may_run_as_often_as_it_likes(still: Clock, state: str) -> None:
    """Every other answer is the same however often it is asked for."""
    if state != "none":
        issue()
    if state == "expired":
        still.advance(301)
    if state == "used_up":
        for number in range(5):
            verify("wrong", f"attempt{number}")
    if state == "superseded":
        still.advance(30)
        issue(DIGESTS[1], another=True)
    if state in ("cooldown", "alive"):
        asked = state == "cooldown"
        assert again(lambda: issue(DIGESTS[2], asked)).outcome is Outcome(state)
    else:
        assert again(lambda: verify(DIGESTS[0], "attemptX")).outcome is Outcome(state)


def test_an_event_of_the_whole_site_is_counted_once(still: Clock) -> None:
    """The breaker knows a repeated call by its id, and the alarm is given to it again."""
    keys = ["{site}:window"]
    for name in ("a", "a", "b"):
        assert store.run(scripts.WINDOW, keys, [name, 2, 10_000]) == [1, 0]
    allowed, wait = store.run(scripts.WINDOW, keys, ["c", 2, 10_000])
    assert (allowed, wait) == (0, pytest.approx(10_000, abs=500))
    assert store.run(scripts.WINDOW, keys, ["a", 2, 10_000]) == [1, 0]

    def alarm(user: str, name: str) -> int:
        given = {"id": name, "user": user, "number": 3, "window": 10_000, "each": 2}
        answer: int = store.run(scripts.ALARM, ["{site}:alarm"], [json.dumps(given)])
        return answer

    assert [alarm("alice", name) for name in "abcd"] == [0, 0, 0, 0]
    assert [alarm("bob", name) for name in "eefg"] == [1, 1, 0, 0]
    assert [alarm("carol", name) for name in "hij"] == [0, 2, 0]
    still.advance(11)
    assert [alarm(name, name) for name in "abc"] == [0, 0, 1]


def test_codes_to_one_destination_are_counted_once(settings: Any, still: Clock) -> None:
    """A repeated call is known by its id."""
    settings.OTP_GATE = {"SENDS": [(2, 900), (3, 86_400)]}

    def ask(name: str) -> int:
        answer: int = store.run(scripts.SHARED, ["{to}:sends"], [json.dumps({"id": name})])
        return answer

    assert [ask(2 * name) for name in ("1234", "1234", "abcd")] == [0, 0, 0]
    assert ask("12345678") == pytest.approx(900_500, abs=501)
    still.advance(902)
    assert ask("12345678") == 0
    assert ask("87654321") == pytest.approx(85_498_500, abs=1000)


def test_a_fresh_reference_is_taken_where_one_is_left(still: Clock) -> None:
    """Of eight candidates the first that no code of this login bears; else the first."""
    assert issue(references="A2A2A2A2").reference == "A2"
    still.advance(30)
    assert issue(DIGESTS[1], True, "A2A2B3B3").reference == "B3"
    still.advance(30)
    assert issue(DIGESTS[2], True, "A2B3A2B3").reference == "A2"


def test_a_record_that_is_gone_can_be_taken_away(clock: Clock) -> None:
    """Unlocking or discarding what does not exist is no error."""
    unlock("nobody")
    Challenge("nobody", "nonce", "").discard()
    assert store.client("default").keys("*") == []


def test_a_lock_longer_than_a_day_holds(settings: Any, still: Clock) -> None:
    """No window of the record ends before a lock or a hold does."""
    settings.OTP_GATE = {"FAILURES": {"lock_max": 200_000}}
    issue()
    assert disown() == "done"
    still.advance(190_000)
    reply = issue(DIGESTS[1], tag="bbbbbbbb")
    assert reply.outcome is Outcome.HELD
    assert reply.retry_after == pytest.approx(10_000, abs=1)


def test_every_word_of_the_scripts_is_an_outcome() -> None:
    """`Outcome(word)` is the whole parser; a word that nobody knows is an error, not an opening."""
    folder = resources.files("otp_gate") / "lua"
    said = set()
    for script in ("challenge", "issue", "look", "verify"):
        text = (folder / f"{script}.lua").read_text("utf-8")
        said |= set(re.findall(r'(?:return |reply\(|state = |state, value = )"([a-z_]+)[:"]', text))
    assert {"accepted", "invalid", "issued", "locked", "held"} <= said
    for word in said:
        assert Outcome(word) == word
    with pytest.raises(StoreUnavailable, match="means nothing"):
        parse("ok:0::1:1:0:0:")


PARTS = {
    f"{name}.lua"
    for name in [
        "standing",
        "counts",
        "challenge",
        "logs",
        "failures",
        "lists",
        "put",
        "within",
        "saved",
    ]
}
"""What scripts are put together from."""


def test_each_script_says_what_it_takes() -> None:
    """Every file opens with its purpose, and names its keys."""
    for script in (resources.files("otp_gate") / "lua").iterdir():
        head = script.read_text("utf-8").split("\nlocal")[0]
        assert head.startswith("-- ")
        assert "KEYS[1]" in head or "KEYS see saved.lua" in head or script.name in PARTS


def test_the_digest_of_a_script_is_redis_own() -> None:
    """EVALSHA finds what EVAL stored."""
    assert store.client("default").script_load(scripts.VERIFY.source) == scripts.VERIFY.digest
    assert len(codes.code_digest("1", "n", "123456")) == 16
