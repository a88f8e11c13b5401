"""Whatever runs in parallel: one code opens one session once, and the limits are exact.

Real Redis, sessions in a real database, worker processes with threads, and requests that arrive
at one moment. The last tests show that these proofs see a store that is not atomic.
"""

from __future__ import annotations

from collections import Counter

import pytest

from otp_gate.outcomes import Outcome
from otp_gate.pages import PROBLEMS
from tests.helpers import RESEND, VERIFY
from tests.parallel.conftest import Site
from tests.parallel.visitors import Answer, Visitor, at_once, codes_in, half_way, no_code_of

pytestmark = pytest.mark.once

COMPARED = str(PROBLEMS[Outcome.INVALID][1])
"""The words of an answer to a guess that was compared; one that was not is told otherwise."""

ROUNDS = 12
"""How often a store that is not atomic may be lucky before it is believed."""


def race_with_the_right_code(site: Site, number: int) -> tuple[list[Answer], int]:
    """Post the right code so often at one moment; return the answers and the sessions opened."""
    visitor, code = half_way(site.port, site.box)
    other, _ = half_way(site.port, site.box)
    fields = {"code": code, "next": "/secret/"}
    right = [visitor.request("POST", VERIFY, fields)] * number
    # Fewer than would lock the user, which would be another story.
    elsewhere = [other.request("POST", VERIFY, fields)] * 4
    answers = at_once(site.port, [*right[: number // 2], *elsewhere, *right[number // 2 :]])
    keys = {answer.cookies["sessionid"] for answer in answers if "sessionid" in answer.cookies}
    keys |= {visitor.cookies["sessionid"], other.cookies["sessionid"]}
    return answers, sum(Visitor(site.port, key).is_in() for key in keys if key)


def race_with_wrong_codes(site: Site, number: int, sessions: int) -> list[Answer]:
    """Post so many wrong codes over so many sessions of one user at one moment."""
    visitors = [half_way(site.port, site.box)[0] for _ in range(sessions)]
    fields = {"code": no_code_of(site.box)}
    requests = [visitor.request("POST", VERIFY, fields, as_json=True) for visitor in visitors]
    return at_once(site.port, requests * (number // sessions))


def compared(answers: list[Answer]) -> int:
    """Count the guesses that were held against a code."""
    return sum(answer.status == 400 and answer.json["detail"] == COMPARED for answer in answers)


def size(site: Site, number: int) -> int:
    """Ask less of the smaller server: on ASGI each request holds a database connection."""
    return number if site.workers == 4 else number // 5


def test_of_200_right_answers_at_once_one_opens_the_session(site: Site) -> None:
    """One code, one session, one answer that leads in; none for the neighbouring session."""
    answers, opened = race_with_the_right_code(site, size(site, 200))
    assert {answer.status for answer in answers} <= {200, 302}
    assert sum(answer.location == "/secret/" for answer in answers) == 1
    assert opened == 1


def test_of_500_wrong_answers_over_20_sessions_10_are_compared(site: Site) -> None:
    """Not one more than `lock_after`, whoever is asked; the person is told once."""
    answers = race_with_wrong_codes(site, size(site, 500), sessions=20 if site.workers == 4 else 10)
    codes = Counter(answer.json["code"] for answer in answers)
    assert set(codes) <= {"invalid", "locked"}, codes
    assert compared(answers) == 10
    record = site.record()
    assert site.in_a_row() == 10
    assert len(record["w"]) == 100
    assert len(site.box.messages) - len(codes_in(site.box)) == 1


def test_of_60_wrong_answers_in_one_session_5_are_compared(site: Site) -> None:
    """Not one more than CODE_ATTEMPTS."""
    answers = race_with_wrong_codes(site, size(site, 300), sessions=1)
    assert compared(answers) == 5
    assert site.in_a_row() == 5


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_of_40_who_ask_for_a_code_at_once_one_is_sent_it(site: Site, method: str) -> None:
    """Opened in forty tabs, or asked for forty times: one mail."""
    visitor = Visitor(site.port)
    visitor.log_in()
    path, fields = (VERIFY, None) if method == "GET" else (RESEND, {})
    answers = at_once(site.port, [visitor.request(method, path, fields)] * 40)
    assert {answer.status for answer in answers} <= {200, 302, 429}
    assert len(site.box.messages) == 1


def test_where_redis_accepts_a_code_twice_one_session_is_opened(parted_site: Site) -> None:
    """The half-authenticated session is there once; the second who would end it is told to wait."""
    refused = 0
    for _ in range(4):
        # Wrong answers that overtake the right one are left in a row: three rounds of them lock.
        parted_site.redis.flushall()
        answers, opened = race_with_the_right_code(parted_site, 200)
        assert opened == 1
        refused += sum(answer.status == 503 for answer in answers)
    assert refused, "Redis never accepted the code twice: nothing was proved"


def test_proof_is_not_blind_to_a_code_that_opens_two_sessions(broken_site: Site) -> None:
    """With get-then-set, the first proof goes red."""
    seen = (opened_again(broken_site) for _ in range(ROUNDS))
    assert any(opened > 1 for opened in seen)


def test_proof_is_not_blind_to_guesses_beyond_the_limit(broken_site: Site) -> None:
    """With get-then-set, the second proof goes red."""
    seen = (race_again(broken_site) for _ in range(ROUNDS))
    assert any(number > 10 for number in seen)


def opened_again(site: Site) -> int:
    site.redis.flushall()
    return race_with_the_right_code(site, 200)[1]


def race_again(site: Site) -> int:
    site.redis.flushall()
    return compared(race_with_wrong_codes(site, 200, sessions=20))
