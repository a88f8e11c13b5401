"""The limits that one record, or several users together, must keep whatever runs in parallel.

Codes to one mailbox for several accounts; guesses at a factor that compares by itself, which are
counted and given back in two steps; sessions of one user that have a code. After each proof
comes one which shows that it sees a store that is not atomic.
"""

from __future__ import annotations

from collections import Counter

import pytest

from otp_gate.limits import LOGINS
from tests.helpers import RESEND, VERIFY
from tests.parallel.conftest import Site
from tests.parallel.test_operator_code import sessions_of
from tests.parallel.test_races import ROUNDS, compared
from tests.parallel.visitors import Answer, Visitor, at_once, code_in
from tests.test_own_factor import RIGHT

pytestmark = pytest.mark.once

SENDS = 5


def empty(site: Site) -> None:
    site.redis.flushall()
    site.box.messages.clear()


# One mailbox, several accounts


def flood(site: Site, crowd: list[str]) -> list[Answer]:
    """Ask for a code in two sessions of each account at one moment."""
    visitors = [Visitor(site.port) for _ in crowd * 2]
    for visitor, name in zip(visitors, crowd * 2, strict=True):
        visitor.log_in(name)
    asked = [visitor.request("POST", RESEND, {}, as_json=True) for visitor in visitors]
    return at_once(site.port, asked)


def test_one_mailbox_gets_five_codes_of_twelve_accounts(
    shared_site: Site, crowd: list[str]
) -> None:
    """Never more, and not fewer; whom it refuses has used nothing up."""
    answers = flood(shared_site, crowd)
    statuses = Counter(answer.status for answer in answers)
    assert statuses == {200: SENDS, 429: len(answers) - SENDS}
    messages = list(shared_site.box.messages)
    assert len(messages) == SENDS
    assert all(code_in(message) for message in messages)
    assert {message["To"] for message in messages} == {"victim@example.org"}
    records = map(shared_site.redis.hgetall, shared_site.redis.keys("*otp_gate:*}"))
    assert sum(len(record.get("s", "")) for record in records) == 10 * SENDS


def test_proof_is_not_blind_to_a_mailbox_that_is_flooded(
    broken_shared_site: Site, crowd: list[str]
) -> None:
    """With get-then-set it goes red."""

    def mails() -> int:
        empty(broken_shared_site)
        flood(broken_shared_site, crowd)
        return len(broken_shared_site.box.messages)

    assert any(mails() > SENDS for _ in range(ROUNDS))


# A factor that compares by itself


def guesses(visitors: list[Visitor], typed: str, times: int = 1) -> list[bytes]:
    fields = {"code": typed, "factor": "token"}
    return [one.request("POST", VERIFY, fields, as_json=True) for one in visitors] * times


def race_of_guesses(site: Site) -> list[Answer]:
    """Guess wrong in twenty sessions of one user at one moment."""
    visitors = sessions_of(site, 20)
    return at_once(site.port, guesses(visitors, "wrong", 10 if site.workers == 4 else 2))


def test_of_200_guesses_at_a_token_10_are_compared(site: Site) -> None:
    """Each is counted before the factor is asked; the person is told of the lock once."""
    answers = race_of_guesses(site)
    codes = Counter(answer.json["code"] for answer in answers)
    assert set(codes) <= {"invalid", "locked"}, codes
    assert compared(answers) == 10
    assert site.in_a_row() == 10
    assert len(site.record()["w"]) == 100
    assert len(site.box.messages) == 1


def test_proof_is_not_blind_to_guesses_at_a_token(broken_site: Site) -> None:
    """With get-then-set it goes red."""

    def seen() -> int:
        empty(broken_site)
        return compared(race_of_guesses(broken_site))

    assert any(seen() > 10 for _ in range(ROUNDS))


def race_right_and_wrong(site: Site) -> tuple[list[Answer], int, list[Visitor]]:
    """Answer rightly in eight sessions, and wrongly in eight, at one moment.

    Returns the answers, how many wrong ones the record counts, and who answered rightly.
    """
    visitors = sessions_of(site, 16)
    right, wrong = guesses(visitors[:8], RIGHT), guesses(visitors[8:], "wrong")
    mixed = [request for pair in zip(wrong, right, strict=True) for request in pair]
    answers = at_once(site.port, mixed)
    for visitor, answer in zip(visitors[:8], answers[1::2], strict=True):
        visitor.cookies |= answer.cookies
    return answers, len(site.record().get("w", "")) // 10, visitors[:8]


def test_a_right_guess_gives_back_its_own_and_no_other(site: Site) -> None:
    """Who is told "verified" is in, and each wrong guess that was compared is counted."""
    answers, counted, visitors = race_right_and_wrong(site)
    assert {answer.status for answer in answers} <= {200, 400, 429}
    assert counted == compared(answers)
    verified = [answer.status == 200 for answer in answers[1::2]]
    assert any(verified)
    assert [visitor.is_in() for visitor in visitors] == verified


def opened_by_one_guess(site: Site) -> int:
    """Answer rightly in one session, many times at one moment; return the sessions opened."""
    [visitor] = sessions_of(site, 1)
    answers = at_once(site.port, guesses([visitor], RIGHT, 40 if site.workers == 4 else 8))
    keys = {answer.cookies["sessionid"] for answer in answers if "sessionid" in answer.cookies}
    keys.add(visitor.cookies["sessionid"])
    return sum(Visitor(site.port, key).is_in() for key in keys if key)


def test_one_right_guess_many_times_opens_one_session(site: Site) -> None:
    """The half-authenticated session can be ended once, also by a factor of one's own."""
    assert opened_by_one_guess(site) == 1


def test_proof_is_not_blind_to_a_guess_that_opens_two_sessions(broken_site: Site) -> None:
    """With get-then-set it goes red."""

    def opened() -> int:
        empty(broken_site)
        return opened_by_one_guess(broken_site)

    assert any(opened() > 1 for _ in range(ROUNDS))


def test_proof_is_not_blind_to_a_wrong_guess_that_is_not_counted(broken_site: Site) -> None:
    """With get-then-set it goes red."""

    def is_lost() -> bool:
        empty(broken_site)
        answers, counted, _ = race_right_and_wrong(broken_site)
        return counted != compared(answers)

    assert any(is_lost() for _ in range(ROUNDS))


# Sessions of one user that have a code


def codes_of_logins(site: Site, number: int) -> tuple[set[str], set[str]]:
    """Ask for a code in so many sessions of one user at one moment.

    Returns the logins that the record has a code of, and those that it will clear away one day.
    """
    visitors = sessions_of(site, number)
    at_once(site.port, [one.request("POST", RESEND, {}, as_json=True) for one in visitors])
    record = site.record()
    held = {field[1:] for field in record if field[0] == "c"}
    return held, set(record["i"].split(",")[:-1])


def test_of_45_logins_at_once_30_have_a_code(site: Site) -> None:
    """Exactly, and none that nothing will clear away; each code was sent."""
    held, named = codes_of_logins(site, 45)
    assert len(held) == LOGINS
    assert held == named
    assert len(site.box.messages) == 45


def test_proof_is_not_blind_to_a_record_that_grows(broken_site: Site) -> None:
    """With get-then-set it goes red."""

    def is_bounded() -> bool:
        empty(broken_site)
        held, named = codes_of_logins(broken_site, 45)
        return len(held) <= LOGINS and held == named

    assert not all(is_bounded() for _ in range(ROUNDS))
