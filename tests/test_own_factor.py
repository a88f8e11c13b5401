"""A factor that compares by itself: the limits hold for it, and the page asks it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, ClassVar

import pytest
from django.test import Client

from otp_gate import scripts, store
from otp_gate.challenge import Challenge
from otp_gate.exceptions import StoreUnavailable
from otp_gate.outcomes import Outcome, Reply
from tests.browsers import is_in, post_json
from tests.clock import Clock
from tests.doubles import EMAIL
from tests.helpers import DISOWN, JSON, RESEND, VERIFY, disown_link, last_code, log_in, open_page

RIGHT = "open sesame"
USER, TAG, WHO = "user", "aaaaaaaa", "password"


class Token:
    """Keeps the documented protocol, and nothing else; notes each time that it is asked."""

    id = "token"
    label = "Hardware token"
    asked: ClassVar[list[object]] = []

    def missing(self, user: Any) -> str:
        return ""

    def masked(self, user: Any) -> str:
        return ""

    def send(self, challenge: Any, user: Any, letterhead: Any, *, another: bool = False) -> Reply:
        return Reply(outcome=Outcome.ALIVE, factor=self.id, expires_in=300, attempts_left=5)

    def verify(self, challenge: Any, user: Any, typed: object) -> Reply:
        self.asked.append(typed)
        word = Outcome.ACCEPTED if typed == RIGHT else Outcome.INVALID
        return Reply(outcome=word, expires_in=300, attempts_left=5)


class Odd(Token):
    """Answers what is neither right nor wrong."""

    def verify(self, challenge: Any, user: Any, typed: object) -> Reply:
        return Reply(outcome=Outcome.EXPIRED)


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    Token.asked.clear()
    settings.OTP_GATE = {"FACTORS": [EMAIL, "tests.test_own_factor.Token"]}


def guess(client: Any, typed: str, number: int = 1) -> Any:
    for _ in range(number):
        answer = post_json(client, VERIFY, {"code": typed, "factor": "token"})
    return answer


def test_the_page_asks_the_chosen_factor(held: Any) -> None:
    """Its button leads to a form that names it, also after a reload and a wrong answer."""
    held.get(VERIFY)
    answer = held.post(RESEND, {"factor": "token", "next": "/secret/"})
    assert answer.status_code == 302
    for _ in range(2):
        page = held.get(answer["Location"]).content.decode()
        assert page.count('name="factor" value="token"') == 1
        assert "Hardware token" in page
    page = held.post(VERIFY, {"code": "wrong", "factor": "token"}).content.decode()
    assert 'name="factor" value="token"' in page
    answer = held.post(VERIFY, {"code": RIGHT, "factor": "token", "next": "/secret/"})
    assert (answer.status_code, answer["Location"]) == (302, "/secret/")
    assert Token.asked == ["wrong", RIGHT]


def test_the_address_without_a_next_names_it_too(half: Client) -> None:
    """With or without a page to go on to."""
    assert half.post(RESEND, {"factor": "token"})["Location"] == f"{VERIFY}?factor=token"


def test_no_link_chooses_a_factor_that_sends(half: Client, settings: Any) -> None:
    """A link of another site must not choose what costs money."""
    settings.OTP_GATE = {"FACTORS": [EMAIL, "tests.doubles.TextMessage"]}
    page = half.get(VERIFY + "?factor=sms").content.decode()
    assert 'name="factor" value="email"' in page


def test_a_program_uses_it(held: Any) -> None:
    """As JSON: pending, invalid, verified."""
    answer = post_json(held, RESEND, {"factor": "token"})
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert answer.json()["factor"] == "token"
    answer = guess(held, "wrong")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert guess(held, RIGHT).json()["status"] == "verified"


def test_it_is_not_asked_more_often_than_the_limit(alice: Any, half: Client) -> None:
    """Ten in a row lock the user, over all sessions, also for the right answer and for mail."""
    for _ in range(4):
        client = Client()
        log_in(client)
        answer = guess(client, "wrong", 5)
    assert (answer.status_code, answer.json()["code"]) == (429, "locked")
    assert len(Token.asked) == 10
    assert guess(half, RIGHT).status_code == 429
    assert half.get(VERIFY, headers=JSON).status_code == 429
    assert len(Token.asked) == 10


def test_guesses_at_both_are_one_row(half: Client) -> None:
    """Five wrong mailed codes and five wrong tokens lock, and void the mailed code."""
    open_page(half)
    guess(half, "wrong", 6)
    for _ in range(4):
        answer = post_json(half, VERIFY, {"code": "000000" if last_code() != "000000" else "1" * 6})
    assert answer.status_code == 400
    assert guess(half, RIGHT).json()["code"] == "locked"


def test_the_lock_it_earns_is_told_and_voids_codes(half: Client, clock: Clock) -> None:
    """The tenth answers that it locked; when the lock is over, the mailed code is void."""
    open_page(half)
    code = last_code()
    guess(half, "wrong", 9)
    assert b"Too many wrong codes" in half.post(VERIFY, {"code": "x", "factor": "token"}).content
    clock.advance(61)
    assert half.post(VERIFY, {"code": code}).status_code == 200
    assert not is_in(half)


def test_a_right_answer_is_given_back(half: Client, settings: Any) -> None:
    """It forgives the row and its own attempt; the wrong ones of the day stay."""
    settings.OTP_GATE = settings.OTP_GATE | {"FAILURES": {"per_day": 4, "stop": 100}}
    for typed in ("wrong", "wrong", RIGHT, "wrong"):
        client = Client()
        log_in(client)
        guess(client, typed)
    assert guess(half, RIGHT).json()["status"] == "verified"
    client = Client()
    log_in(client)
    guess(client, "wrong")
    assert guess(client, RIGHT).json()["code"] == "locked"


def test_a_right_answer_at_the_very_limit_leads_in(half: Client, settings: Any) -> None:
    """Also where a wrong one would have stopped the user for good."""
    settings.OTP_GATE = settings.OTP_GATE | {"FAILURES": {"lock_after": 3, "stop": 3}}
    guess(half, "wrong", 2)
    assert guess(half, RIGHT).json()["status"] == "verified"
    client = Client()
    log_in(client)
    assert guess(client, RIGHT).json()["status"] == "verified"


def test_a_disowned_login_is_not_asked(half: Client) -> None:
    """After "this wasn't me" no factor opens that login."""
    open_page(half)
    link = disown_link()
    Client().post(DISOWN, {"token": link.partition("token=")[2]})
    assert guess(half, RIGHT).status_code == 403
    assert Token.asked == []


def test_any_other_answer_of_a_factor_stays_counted(half: Client, settings: Any) -> None:
    """What is not right is not given back, whatever it calls it."""
    settings.OTP_GATE = {
        "FACTORS": ["tests.test_own_factor.Odd"],
        "FAILURES": {"lock_after": 2},
    }
    assert [guess(half, "x").json()["code"] for _ in range(3)] == ["expired", "expired", "locked"]


# Two scripts, each of which may run twice


def claim(attempt: str) -> list[str]:
    answer: str = store.run_for_user(scripts.CLAIM, USER, tag=TAG, who=WHO, attempt=attempt)
    return answer.split(":")


def settle(attempt: str) -> int:
    return int(
        store.run_for_user(scripts.SETTLE, USER, tag=TAG, who=WHO, attempt=attempt, factor="token")
    )


def record() -> dict[str, str]:
    found: dict[str, str] = store.client("default").hgetall(store.record_key(USER))
    return found


def test_a_claim_counts_once_and_is_settled_once(clock: Clock) -> None:
    """A call that is repeated gets the first answer, and changes nothing."""
    claim("other000")
    assert [claim("attempt1") for _ in range(2)] == [["alive", "0", ""]] * 2
    assert (record()["u"][:11], len(record()["w"])) == ("password:2:", 20)
    assert [settle("attempt1"), settle("attempt1")] == [1, 1]
    assert record()["u"] == WHO
    assert len(record()["w"]) == 10
    assert settle("unknown0") == 0


def test_a_claim_that_locks_says_so_twice(settings: Any, clock: Clock) -> None:
    """So that the mail about it is not lost."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 1}}
    assert [claim("attempt1")[2] for _ in range(2)] == ["l", "l"]
    assert claim("attempt2")[0] == "locked"


def test_the_lock_of_a_day_is_forgiven_with_the_guess_that_earned_it(
    settings: Any, clock: Clock
) -> None:
    """And stays where the wrong ones alone fill the day."""
    settings.OTP_GATE = {"FAILURES": {"per_day": 2}}
    claim("attempt1")
    assert claim("attempt2")[2] == "l"
    assert settle("attempt2") == 1
    assert claim("attempt3")[0] == "alive"
    assert claim("attempt4")[0] == "locked"


def test_old_claims_are_forgotten(clock: Clock) -> None:
    """The record stays small, and an answer that comes too late opens nothing."""
    claim("attempt1")
    clock.advance(40)
    claim("attempt2")
    assert len(record()["q"]) == 19
    assert settle("attempt1") == 0


def test_a_login_that_is_disowned_meanwhile_stays_shut(clock: Clock) -> None:
    """Between the two scripts, too."""
    claim("attempt1")
    store.run_for_user(scripts.DISOWN, USER, tag=TAG, who=WHO, id="disown01")
    assert settle("attempt1") == 0
    assert claim("attempt2")[0] == "disowned"


def test_a_guess_that_cannot_be_settled_opens_nothing(clock: Clock) -> None:
    """Redis was emptied between the two scripts: it is right, and refused."""

    def compare() -> Reply:
        store.client("default").flushdb()
        return Reply(outcome=Outcome.ACCEPTED)

    with pytest.raises(StoreUnavailable):
        Challenge("1", "nonce", "").guess(compare, "token")


def test_of_90_guesses_at_once_10_are_compared() -> None:
    """Each is counted before it is compared, so that none slips by; one is told of the lock."""
    start, compared = Barrier(90), []

    def compare() -> Reply:
        compared.append(1)
        return Reply(outcome=Outcome.INVALID)

    def run(_: int) -> Reply:
        start.wait()
        return Challenge("1", "nonce", WHO).guess(compare, "token")

    with ThreadPoolExecutor(90) as pool:
        replies = list(pool.map(run, range(90)))
    assert len(compared) == 10
    assert sum(reply.locked_now for reply in replies) == 1
    assert sum(reply.outcome is Outcome.LOCKED for reply in replies) == 80
