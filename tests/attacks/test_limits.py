"""A-50 to A-69: guessing and flooding, by many requests, sessions, logins and addresses."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from otp_gate import store
from otp_gate.factors.sms import SMSCode
from otp_gate.signals import user_locked
from tests.browsers import guess, post_json
from tests.clock import Clock
from tests.doubles import Gateway, TextMessage
from tests.gates import assert_held
from tests.helpers import (
    CANCEL,
    LOGIN,
    PASSWORD,
    RESEND,
    VERIFY,
    codes_sent,
    last_code,
    log_in,
    open_page,
    wrong_code,
)


class CaseBlind(ModelBackend):
    """Knows people by name in any case, and by address."""

    def authenticate(
        self, request: Any, username: Any = None, password: Any = None, **_: Any
    ) -> Any:
        for user in User.objects.filter(username__iexact=str(username).partition("@")[0]):
            if user.check_password(password):
                return user
        return None


def new_session(name: str = "alice") -> Client:
    client = Client()
    log_in(client, name)
    return client


def code_of(client: Client) -> Any:
    """Return what the last guess was answered with."""
    return post_json(client, VERIFY, {"code": wrong_code()}).json()["code"]


def until_locked(client: Client, clock: Clock, most: int = 40) -> int:
    """Guess, with a new code whenever one is used up; return how many guesses were compared."""
    compared = 0
    for _ in range(most):
        answer = post_json(client, VERIFY, {"code": wrong_code()}).json()
        if answer["code"] == "locked":
            return compared
        if "attempts_left" in answer and answer["code"] == "invalid":
            compared += 1
        if answer.get("attempts_left") == 0 or answer["code"] != "invalid":
            clock.advance(31)
            post_json(client, RESEND)
    return compared


def test_a_50_a_code_dies_of_wrong_answers(half: Client) -> None:
    """After five the right one is refused."""
    code = open_page(half)
    guess(half, 5)
    half.post(VERIFY, {"code": code})
    assert_held(half.get("/secret/"), "/secret/")


def test_a_51_all_sessions_share_one_budget(settings: Any, alice: Any) -> None:
    """Ten guesses in all, over as many sessions as one likes."""
    settings.OTP_GATE = {"SENDS": [(100, 900)]}
    for _ in range(5):
        session = new_session()
        open_page(session)
        guess(session, 2)
    late = new_session()
    assert code_of(late) == "locked"


def test_a_52_no_new_code_and_no_new_login_refills_the_budget(
    settings: Any, alice: Any, clock: Clock
) -> None:
    """Ten guesses in all, however often one starts again."""
    settings.OTP_GATE = {"SENDS": [(100, 900)], "RESEND_COOLDOWN": 1}
    client = new_session()
    for round_ in range(5):
        open_page(client)
        guess(client, 2)
        clock.advance(2)
        if round_ % 2:
            client.post(CANCEL)
            log_in(client)
        else:
            client.post(RESEND)
    assert code_of(client) == "locked"


def test_a_53_always_the_same_guess_is_counted(settings: Any, alice: Any) -> None:
    """Fresh codes do not make an old guess a first one."""
    settings.OTP_GATE = {"SENDS": [(100, 900)]}
    for _ in range(10):
        client = new_session()
        open_page(client)
        post_json(client, VERIFY, {"code": wrong_code()})
    assert code_of(new_session()) == "locked"


HEADERS = ["x-forwarded-for", "x_forwarded_for", "forwarded", "x-real-ip", "client-ip", "via"]


@pytest.mark.parametrize("header", ["", *HEADERS])
def test_a_54_a_55_another_address_is_no_other_person(
    settings: Any, alice: Any, clock: Clock, header: str
) -> None:
    """Neither the real one nor one that a header claims: ten in a row lock, the last one stops."""
    settings.OTP_GATE = {"SENDS": [(100, 900)], "FAILURES": {"stop": 20}}
    address = map("203.0.113.{}".format, count())

    def guess_from_elsewhere(times: int) -> list[str]:
        answers = []
        for number in range(times):
            if number % 2 == 0:  # Of no code are the attempts used up.
                client = new_session()
                open_page(client)
            headers = {header: next(address)} if header else None
            fields = {"code": wrong_code()}
            response = post_json(client, VERIFY, fields, headers=headers, REMOTE_ADDR=next(address))
            answers.append(response.json()["code"])
        return answers

    assert guess_from_elsewhere(10) == ["invalid"] * 10
    assert code_of(new_session()) == "locked"
    clock.advance(61)
    assert guess_from_elsewhere(10) == ["invalid"] * 10
    clock.advance(2 * 86400)
    stopped = new_session()
    assert code_of(stopped) == "locked"
    assert store.client("default").keys("*203.0.113*") == []
    assert_held(stopped.get("/secret/"), "/secret/")


def test_a_56_another_spelling_is_no_other_person(settings: Any, alice: Any) -> None:
    """What counts is the primary key, not what was typed."""
    settings.AUTHENTICATION_BACKENDS = ["tests.attacks.test_limits.CaseBlind"]
    settings.OTP_GATE = {"SENDS": [(100, 900)]}
    for name in ("alice", "ALICE", "alice@example.org", "Alice", "aLICE"):
        client = Client()
        client.post(LOGIN, {"username": name, "password": PASSWORD})
        open_page(client)
        guess(client, 2)
    assert code_of(new_session()) == "locked"


def test_a_57_html_and_json_share_one_budget(settings: Any, alice: Any) -> None:
    """Ten guesses in all, five of each, over codes of which none is used up."""
    settings.OTP_GATE = {"SENDS": [(100, 900)]}
    for _ in range(5):
        client = new_session()
        code = open_page(client)
        client.post(VERIFY, {"code": wrong_code()})
        assert code_of(client) == "invalid"
    assert code_of(client) == "locked"
    client.post(VERIFY, {"code": code})
    assert_held(client.get("/secret/"), "/secret/")


def test_a_57_html_and_json_share_the_attempts_of_a_code(half: Client) -> None:
    """Five attempts in all."""
    code = open_page(half)
    for number in range(5):
        if number % 2:
            half.post(VERIFY, {"code": wrong_code()})
        else:
            post_json(half, VERIFY, {"code": wrong_code()})
    half.post(VERIFY, {"code": code})
    assert_held(half.get("/secret/"), "/secret/")


def test_a_58_a_success_does_not_refill_the_day(settings: Any, alice: Any, clock: Clock) -> None:
    """The attacker who is let in now and then by the owner's own success is stopped at thirty."""
    settings.OTP_GATE = {"SENDS": [(1000, 900)], "RESEND_COOLDOWN": 1}
    wrong = 0
    for _ in range(8):
        client = new_session()
        code = open_page(client)
        answers = [code_of(client) for _ in range(4)]
        wrong += answers.count("invalid")
        client.post(VERIFY, {"code": code})
        clock.advance(61)
    assert wrong == 30
    assert code_of(new_session()) == "locked"


def test_a_62_a_guess_while_locked_changes_nothing(half: Client, clock: Clock) -> None:
    """It is not compared, be it the right one, and the lock ends when it was to end."""
    open_page(half)
    until_locked(half, clock)
    answers = [post_json(half, VERIFY, {"code": last_code()}) for _ in range(5)]
    waits = [int(answer["Retry-After"]) for answer in answers]
    assert waits == sorted(waits, reverse=True)
    assert max(waits) <= 60
    clock.advance(61)
    post_json(half, RESEND)
    assert half.post(VERIFY, {"code": last_code()}).status_code == 302


def test_a_63_strangers_lock_nobody_out(client: Client, half: Client) -> None:
    """Wrong passwords by the hundred, and answers from no session at all."""
    code = open_page(half)
    for _ in range(100):
        client.post(LOGIN, {"username": "alice", "password": "wrong"})
        client.post(VERIFY, {"code": wrong_code()})
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_64_one_user_is_no_other(half: Client, bob: Any, clock: Clock) -> None:
    """What Bob guesses costs Alice nothing."""
    bad = new_session("bob")
    open_page(bad)
    until_locked(bad, clock)
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


def test_a_65_after_a_lock_the_old_code_is_dead(half: Client, clock: Clock) -> None:
    """Waiting gives nobody back the code at which was guessed."""
    code = open_page(half)
    until_locked(half, clock)
    later = codes_sent()
    clock.advance(61)
    for old in {code, *later}:
        half.post(VERIFY, {"code": old})
        assert_held(half.get("/secret/"), "/secret/")


def test_a_65_a_lock_kills_the_codes_that_nobody_guessed_at(half: Client, clock: Clock) -> None:
    """Also that of another session, for which only a new code is of use when the lock is over."""
    code = open_page(half)
    until_locked(new_session(), clock)
    clock.advance(61)
    assert half.post(VERIFY, {"code": code}).status_code == 200
    assert_held(half.get("/secret/"), "/secret/")
    half.post(RESEND)
    assert half.post(VERIFY, {"code": last_code()}).status_code == 302


def test_a_66_the_person_is_told_once(half: Client, clock: Clock) -> None:
    """A lock means that somebody has the password: by mail and by signal, once."""
    heard = []

    def hear(**named: Any) -> None:
        heard.append(named["user"].get_username())

    user_locked.connect(hear)
    try:
        open_page(half)
        until_locked(half, clock)
        guess(half, 5)
    finally:
        user_locked.disconnect(hear)
    told = [message for message in mail.outbox if not any(c in message.body for c in codes_sent())]
    assert heard == ["alice"]
    assert len([m for m in told if "password" in m.body]) == 1


def test_a_67_nobody_is_flooded(half: Client, clock: Clock) -> None:
    """Fifty asked for, by every way there is: five sent, and the last of them works."""
    for number in range(50):
        if number % 3 == 0:
            half.post(CANCEL)
            log_in(half)
        half.get(VERIFY)
        answer = post_json(half, RESEND)
        assert answer.status_code in (200, 429)
        if answer.status_code == 429:
            assert int(answer["Retry-After"]) > 0
        clock.advance(5)
    assert len(codes_sent()) <= 5


def test_a_68_the_whole_site_has_a_breaker(settings: Any, db: None) -> None:
    """Many users cannot make the site send without end; who has a code gets in."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (20, 3600)}
    first = None
    for number in range(30):
        User.objects.create_user(f"u{number}", f"u{number}@example.org", PASSWORD)
        client = new_session(f"u{number}")
        response = client.get(VERIFY)
        assert response.status_code == (200 if number < 20 else 429)
        first = first or (client, last_code())
    assert len(codes_sent()) == 20
    client, code = first or (client, "")
    assert client.post(VERIFY, {"code": code}).status_code == 302


@pytest.mark.parametrize("prefixes", [("+49", "+1"), SMSCode.prefixes])
def test_a_69_no_text_goes_to_a_number_that_is_not_allowed(
    settings: Any, alice: Any, monkeypatch: pytest.MonkeyPatch, prefixes: tuple[str, ...]
) -> None:
    """Premium prefixes are refused before anything is sent, and no half session changes a number."""
    monkeypatch.setattr(TextMessage, "prefixes", prefixes)
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.TextMessage"]}
    Gateway.sent.clear()
    alice.last_name = "+881 900 1234"
    alice.save()
    client = new_session()
    client.get(VERIFY)
    post_json(client, RESEND, {"number": "+4917012345", "destination": "+4917012345"})
    assert Gateway.sent == []
