"""Limits that no new code, session or login resets: FAILURES."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from otp_gate.challenge import unlock
from otp_gate.signals import user_locked
from tests.browsers import (
    AsyncBrowser,
    ask_for_code,
    guess,
    is_in,
    post_json,
    status_of,
)
from tests.clock import Clock
from tests.helpers import PASSWORD, RESEND, VERIFY, codes_sent, last_code, log_in, wrong_code

FREE = {"CODE_ATTEMPTS": 1000, "SENDS": [], "RESEND_COOLDOWN": 0, "CODE_TTL": 600}
"""Nothing but FAILURES stands in the way."""
NO_DAY = {"per_day": 10_000}


@pytest.fixture
def free(settings: Any) -> None:
    settings.OTP_GATE = {**FREE, "FAILURES": NO_DAY}


@pytest.fixture
def heard() -> Iterator[list[float | None]]:
    """The waiting times that `user_locked` told."""
    told: list[float | None] = []

    def locked(**named: Any) -> None:
        told.append(named["retry_after"])

    user_locked.connect(locked)
    yield told
    user_locked.disconnect(locked)


def fresh_guess(client: Any, username: str = "alice") -> Any:
    """Log in again, ask for a code, and type a wrong one."""
    log_in(client, username)
    assert post_json(client, RESEND).status_code == 200
    return guess(client)


def mails_about_locks() -> list[Any]:
    return [sent for sent in mail.outbox if "Wrong codes" in sent.subject]


# FAILURES: the lock


def test_ten_wrong_answers_lock(held: Any, free: None, clock: Clock) -> None:
    """The tenth in a row locks for a minute; the right code does not help then."""
    ask_for_code(held)
    for _ in range(9):
        assert guess(held).json()["code"] == "invalid"
    assert post_json(held, VERIFY, {"code": "nonsense"}).json()["code"] == "invalid"
    tenth = guess(held)
    assert (tenth.status_code, tenth.json()["code"]) == (400, "invalid")
    response = post_json(held, VERIFY, {"code": last_code()})
    assert (response.status_code, response.json()["code"]) == (429, "locked")
    assert 59 <= int(response["Retry-After"]) <= 60
    assert not is_in(held)


def test_the_page_of_a_lock(held: Any, free: None, clock: Clock) -> None:
    """The page says when to try again, takes no code, sends none, and lets one sign out."""
    ask_for_code(held)
    guess(held, 9)
    tenth = held.post(VERIFY, {"code": wrong_code()})
    assert tenth.status_code == 200
    assert "Invalid one-time password" in tenth.content.decode()
    for response in (
        held.get(VERIFY),
        held.post(VERIFY, {"code": last_code()}),
        held.post(RESEND),
    ):
        page = response.content.decode()
        assert response.status_code == 429
        assert 59 <= int(response["Retry-After"]) <= 60
        assert "Codes are locked" in page
        assert "You can try again in 60 seconds" in page
        assert 'name="code"' not in page
        assert 'action="/otp/cancel/"' in page
    assert len(codes_sent()) == 1


def test_programs_hear_of_a_lock_however_they_ask(half: Client, free: None) -> None:
    """GET, resend and what cannot be a code all say `locked`."""
    ask_for_code(half)
    guess(half, 10)
    for response in (
        half.get(VERIFY, headers={"accept": "application/json"}),
        post_json(half, RESEND),
        post_json(half, VERIFY, {"code": "nonsense"}),
    ):
        assert (response.status_code, response.json()["code"]) == (429, "locked")
        assert 59 <= int(response["Retry-After"]) <= 60


def test_locks_double_up_to_an_hour(
    half: Client, settings: Any, clock: Clock, heard: list[float | None]
) -> None:
    """1, 2, 4 … minutes, and never more than `lock_max`, until the hundredth answer stops it."""
    settings.OTP_GATE = {**FREE, "FAILURES": NO_DAY, "ALARM": None}
    for lock in (60, 120, 240, 480, 960, 1920, 3600, 3600, 3600):
        log_in(half)
        ask_for_code(half)
        guess(half, 9)
        assert status_of(half)["status"] == "pending"
        guess(half)
        assert heard.pop() == pytest.approx(lock, abs=0.5)
        clock.advance(lock - 1)
        log_in(half)
        assert status_of(half)["code"] == "locked"
        clock.advance(1.5)
        assert status_of(half)["status"] in ("none", "used_up", "expired")
    log_in(half)
    ask_for_code(half)
    guess(half, 10)
    assert heard == [None]


def test_the_limits_are_the_projects(half: Client, settings: Any, clock: Clock) -> None:
    """Each number of FAILURES can be set."""
    limits = {"lock_after": 2, "lock": 5, "lock_max": 7, "per_day": 50, "stop": 6}
    settings.OTP_GATE = {**FREE, "FAILURES": limits}
    for lock in (5, 7):
        ask_for_code(half)
        guess(half, 2)
        response = guess(half)
        assert response["Retry-After"] == str(lock)
        clock.advance(lock + 1)
    ask_for_code(half)
    guess(half, 2)
    assert guess(half)["Retry-After"] == "86400"
    clock.advance(800)
    log_in(half)
    assert guess(half).status_code == 429


def test_a_guess_while_locked_is_not_compared_and_lengthens_nothing(
    half: Client, free: None, clock: Clock, heard: list[float | None]
) -> None:
    """Who goes on typing neither gets in nor keeps the person out for longer."""
    ask_for_code(half)
    guess(half, 10)
    for _ in range(30):
        clock.advance(1.9)
        assert guess(half).json()["code"] == "locked"
        assert post_json(half, VERIFY, {"code": last_code()}).json()["code"] == "locked"
    clock.advance(3.5)
    code = ask_for_code(half)
    assert post_json(half, VERIFY, {"code": code}).status_code == 200
    assert len(heard) == 1


def test_a_lock_voids_the_codes_of_all_sessions(half: Client, free: None, clock: Clock) -> None:
    """After the lock a new code is needed, in every browser of that user."""
    other = Client()
    log_in(other)
    theirs = ask_for_code(other)
    mine = ask_for_code(half)
    guess(half, 10)
    clock.advance(61)
    for client, code in ((half, mine), (other, theirs)):
        body = post_json(client, VERIFY, {"code": code}).json()
        assert (body["code"], body["attempts_left"]) == ("invalid", 0)
        assert not is_in(client)
    assert post_json(other, VERIFY, {"code": ask_for_code(other)}).status_code == 200


@pytest.mark.parametrize("renewal", ["code", "session", "sign out", "browser on ASGI"])
def test_nothing_that_a_guesser_can_renew_resets_the_count(
    half: Client, free: None, renewal: str
) -> None:
    """A new code, a new session, a new login and another server go on with the same count."""
    client: Any = half
    for number in range(1, 11):
        if renewal == "session":
            client = Client()
        if renewal == "browser on ASGI" and number % 2:
            client = AsyncBrowser(Client())
        if renewal == "sign out":
            client.post("/otp/cancel/")
        if renewal != "code" or number == 1:
            log_in(client)
        assert post_json(client, RESEND).status_code == 200
        assert guess(client).json()["code"] == "invalid"
    assert guess(client).json()["code"] == "locked"


@pytest.mark.parametrize(
    "trick",
    [
        {"REMOTE_ADDR": "10.0.0.{}"},
        {"HTTP_X_FORWARDED_FOR": "10.0.0.{}"},
        {"HTTP_FORWARDED": "for=10.0.0.{}"},
        {"HTTP_X_REAL_IP": "10.0.0.{}"},
        {"HTTP_USER_AGENT": "browser {}"},
        {"HTTP_HOST": "h{}.example.org"},
    ],
)
def test_nothing_that_a_request_claims_resets_the_count(
    half: Client, free: None, trick: dict[str, str]
) -> None:
    """The count is the user's, and not that of an address or a browser."""
    ask_for_code(half)
    for number in range(11):
        extra = {name: value.format(number) for name, value in trick.items()}
        response = half.post(VERIFY, {"code": wrong_code()}, **extra)
    assert response.status_code == 429


def test_the_same_wrong_code_counts_each_time(half: Client, free: None) -> None:
    """Guessing always the same over fresh codes is guessing (RFC 4226 section 7.3)."""
    for _ in range(10):
        ask_for_code(half)
        post_json(half, VERIFY, {"code": wrong_code()})
    assert status_of(half)["code"] == "locked"


def test_html_and_json_share_one_count(half: Client, free: None) -> None:
    """No form of the page has a budget of its own."""
    ask_for_code(half)
    for _ in range(5):
        half.post(VERIFY, {"code": wrong_code()})
        guess(half)
    assert half.post(VERIFY, {"code": wrong_code()}).status_code == 429


def test_other_users_are_untouched(half: Client, bob: Any, free: None) -> None:
    """Alice's lock is nobody else's."""
    ask_for_code(half)
    guess(half, 11)
    other = Client()
    log_in(other, "bob")
    assert post_json(other, VERIFY, {"code": ask_for_code(other)}).status_code == 200


def test_a_stranger_can_lock_nobody_out(client: Client, half: Client, free: None) -> None:
    """Without the password neither wrong passwords nor wrong codes raise the count."""
    ask_for_code(half)
    for _ in range(12):
        client.post("/login/", {"username": "alice", "password": "wrong"})
        client.post(VERIFY, {"code": wrong_code()})
    assert status_of(half)["attempts_left"] == 1000
    assert post_json(half, VERIFY, {"code": last_code()}).status_code == 200


# FAILURES: a success, the day, the stop


def test_a_success_clears_the_row_and_not_the_day(
    half: Client, settings: Any, clock: Clock, heard: list[float | None]
) -> None:
    """Interleaving one's own successes buys no guess (SECURITY-CASES H-12)."""
    settings.OTP_GATE = FREE
    for _ in range(3):
        ask_for_code(half)
        guess(half, 8)
        assert post_json(half, VERIFY, {"code": last_code()}).status_code == 200
        half.post("/logout/")
        log_in(half)
    ask_for_code(half)
    guess(half, 5)
    assert heard == []
    guess(half)
    assert heard == [pytest.approx(86_400, abs=2)]
    assert status_of(half)["code"] == "locked"


def test_a_success_counts_as_no_failure(half: Client, settings: Any) -> None:
    """Whoever always types the right code is never locked."""
    settings.OTP_GATE = {**FREE, "FAILURES": {"lock_after": 2, "per_day": 2}}
    for _ in range(5):
        assert post_json(half, VERIFY, {"code": ask_for_code(half)}).status_code == 200
        half.post("/logout/")
        log_in(half)


def test_the_day_moves_on_answer_by_answer(half: Client, settings: Any, clock: Clock) -> None:
    """30 in 24 hours lock until the window has moved on; then one guess is free again."""
    settings.OTP_GATE = {**FREE, "FAILURES": {"lock_after": 1000, "per_day": 3, "stop": 5000}}
    for _ in range(3):
        fresh_guess(half)
        clock.advance(600)
    log_in(half)
    wait = int(post_json(half, RESEND)["Retry-After"])
    assert wait == pytest.approx(86_400 - 1800, abs=2)
    clock.advance(wait - 3)
    log_in(half)
    assert status_of(half)["code"] == "locked"
    clock.advance(4)
    assert fresh_guess(half).json()["code"] == "invalid"
    wait = int(post_json(half, RESEND)["Retry-After"])
    assert wait == pytest.approx(600, abs=3)


def test_thirty_guesses_a_day_are_all_that_a_password_buys(
    half: Client, settings: Any, clock: Clock
) -> None:
    """Whatever an attacker with the password does for a day, 30 guesses are compared."""
    settings.OTP_GATE = {"SENDS": [], "CODE_TTL": 600}
    compared = 0
    for _ in range(280):
        log_in(half)
        if post_json(half, RESEND).status_code == 200:
            for _ in range(5):
                compared += guess(half).json()["code"] == "invalid"
        clock.advance(305)
    assert compared == 30


def test_a_hundred_in_a_row_stop_for_good(
    half: Client, settings: Any, clock: Clock, alice: Any, heard: list[float | None]
) -> None:
    """No waiting lifts a stop; an administrator does, and the person is told so."""
    settings.OTP_GATE = {**FREE, "FAILURES": {"lock_after": 50, "lock": 1, "per_day": 200}}
    ask_for_code(half)
    guess(half, 50)
    clock.advance(2)
    ask_for_code(half)
    guess(half, 50)
    assert heard == [pytest.approx(1), None]
    assert "until the people who run the site unlock it" in mails_about_locks()[-1].body
    for days in (1, 30, 300):
        clock.advance(days * 86_400)
        log_in(half)
        response = half.get(VERIFY)
        assert (response.status_code, response["Retry-After"]) == (429, "86400")
        assert "Please ask the people who run this site to unlock it." in response.content.decode()
        assert post_json(half, VERIFY, {"code": last_code()}).json()["code"] == "locked"
    unlock(str(alice.pk))
    assert post_json(half, VERIFY, {"code": ask_for_code(half)}).status_code == 200


def test_a_new_password_lifts_a_stop_and_not_the_day(
    half: Client, settings: Any, alice: Any, clock: Clock
) -> None:
    """A password reset proves the mailbox; the guesses of the day stay counted."""
    settings.OTP_GATE = {**FREE, "FAILURES": {"lock_after": 5, "per_day": 20, "stop": 10}}
    ask_for_code(half)
    guess(half, 5)
    clock.advance(61)
    ask_for_code(half)
    guess(half, 5)
    clock.advance(7200)
    log_in(half)
    assert status_of(half)["code"] == "locked"
    alice.set_password(PASSWORD)
    alice.save()
    half = Client()
    log_in(half)
    ask_for_code(half)
    guess(half, 4)
    assert status_of(half)["status"] == "pending"
    guess(half)
    clock.advance(61)
    ask_for_code(half)
    assert guess(half, 4).json()["code"] == "invalid"
    assert guess(half).json()["code"] == "invalid"
    alice.set_password("another")
    alice.set_password(PASSWORD)
    alice.save()
    again = Client()
    log_in(again)
    assert int(post_json(again, RESEND)["Retry-After"]) > 70_000


def test_unlocking_forgets_the_wrong_answers(half: Client, free: None, alice: Any) -> None:
    """After an administrator's unlock the user starts anew, and a stranger's hold is gone."""
    ask_for_code(half)
    guess(half, 10)
    unlock(str(alice.pk))
    ask_for_code(half)
    guess(half, 9)
    assert status_of(half)["status"] == "pending"


# Telling the person


def test_the_person_is_told_once_per_lock(
    half: Client, free: None, clock: Clock, heard: list[float | None]
) -> None:
    """Wrong codes mean that the password is known: mail and signal, once, at the stored address."""
    ask_for_code(half)
    guess(half, 15)
    [told] = mails_about_locks()
    assert told.to == ["alice@example.org"]
    assert "change it now" in told.body
    assert "alice" in told.body
    assert "codes work again in 60 seconds" in told.body
    assert "http://example.com/login/" in told.body
    html = told.alternatives[0][0]
    assert "codes work again in 60 seconds" in html
    assert "\n" not in told.subject
    assert heard == [pytest.approx(60, abs=0.1)]
    clock.advance(61)
    ask_for_code(half)
    guess(half, 15)
    assert len(mails_about_locks()) == len(heard) == 2


def test_a_mail_that_cannot_be_sent_lifts_no_lock(
    half: Client, free: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The lock stands whether or not the mail leaves, and the log names the error's class."""
    ask_for_code(half)

    def refuse(*args: object) -> int:
        raise OSError("secret detail")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    assert guess(half, 10).status_code == 400
    assert guess(half).status_code == 429
    assert "Not told of the lock: OSError" in caplog.text
    assert "secret detail" not in caplog.text


def test_who_has_no_address_is_not_written_to(
    half: Client, alice: Any, settings: Any, heard: list[float | None]
) -> None:
    """A user of another factor may have no address: the signal still tells the project."""
    settings.OTP_GATE = {
        **FREE,
        "FACTORS": ["otp_gate.factors.console.ConsoleCode"],
    }
    alice.email = ""
    alice.save()
    post_json(half, RESEND)
    guess(half, 10)
    assert mail.outbox == []
    assert heard == [pytest.approx(60, abs=0.5)]
