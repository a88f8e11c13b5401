"""How many codes are sent, and how many wrong answers the whole site stands for: SENDS,
GLOBAL_SENDS, ALARM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from otp_gate.signals import guessing_suspected
from tests.browsers import (
    ask_for_code,
    guess,
    post_json,
    redis_commands,
    status_of,
)
from tests.clock import Clock
from tests.helpers import PASSWORD, RESEND, VERIFY, codes_sent, last_code, log_in

FREE = {"CODE_ATTEMPTS": 1000, "SENDS": [], "RESEND_COOLDOWN": 0, "CODE_TTL": 600}
"""Nothing but FAILURES stands in the way."""


@pytest.fixture
def heard() -> Iterator[list[tuple[int, int]]]:
    """What `guessing_suspected` said: number and window."""
    told: list[tuple[int, int]] = []

    def suspected(**named: Any) -> None:
        told.append((named["number"], named["window"]))

    guessing_suspected.connect(suspected)
    yield told
    guessing_suspected.disconnect(suspected)


# SENDS and GLOBAL_SENDS


def test_five_codes_in_a_quarter_of_an_hour(held: Any, clock: Clock) -> None:
    """The sixth is refused until the window moves on; the fifth still works."""
    for _ in range(5):
        ask_for_code(held)
        clock.advance(31)
    response = held.post(RESEND)
    page = response.content.decode()
    assert response.status_code == 429
    assert int(response["Retry-After"]) == pytest.approx(900 - 155, abs=2)
    assert "So many codes have been sent that no more are sent for a while." in page
    assert "<span data-otp-gate-time>13 minutes</span>" in page
    assert "The code that you already have still works." in page
    refused = post_json(held, RESEND)
    assert (refused.status_code, refused.json()["code"]) == (429, "cooldown")
    assert len(codes_sent()) == 5
    assert held.get(VERIFY).status_code == 200
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302


def test_the_page_says_when_codes_are_sent_again(held: Any, settings: Any, clock: Clock) -> None:
    """Whoever opens the page with the budget spent is told to wait, and no code leaves."""
    settings.OTP_GATE = {"SENDS": [(1, 7200)], "CODE_TTL": 60}
    ask_for_code(held)
    clock.advance(100)
    response = held.get(VERIFY)
    page = response.content.decode()
    assert response.status_code == 429
    assert int(response["Retry-After"]) == pytest.approx(7100, abs=2)
    assert "Please wait before you ask for another code" in page
    assert "<span data-otp-gate-time>119 minutes</span>" in page
    assert len(codes_sent()) == 1


@pytest.mark.parametrize("renewal", ["session", "login"])
def test_the_budget_is_the_users(half: Client, clock: Clock, renewal: str) -> None:
    """No new session and no new login buys a mail."""
    sent = []
    for _ in range(8):
        client = Client() if renewal == "session" else half
        client.post("/otp/cancel/")
        log_in(client)
        sent.append(post_json(client, RESEND).status_code)
        clock.advance(1)
    assert sent == [200] * 5 + [429] * 3
    assert len(mail.outbox) == 5


def test_every_window_counts(half: Client, clock: Clock) -> None:
    """Twenty in a day: who asks every four minutes runs into the second window."""
    sent = 0
    for _ in range(40):
        log_in(half)
        sent += post_json(half, RESEND).status_code == 200
        clock.advance(240)
    assert sent == 20
    log_in(half)
    response = post_json(half, RESEND)
    assert int(response["Retry-After"]) == pytest.approx(86_400 - 40 * 240, abs=2)


def test_a_success_gives_its_send_back(half: Client) -> None:
    """Somebody who types each code rightly is no flood; codes that nobody answers are counted."""
    for _ in range(8):
        post_json(half, VERIFY, {"code": ask_for_code(half)})
        half.post("/logout/")
        log_in(half)
    answers = []
    for _ in range(6):
        client = Client()
        log_in(client)
        answers.append(post_json(client, RESEND).status_code)
    assert answers == [200] * 5 + [429]


def test_one_mailbox_has_one_budget(half: Client, clock: Clock) -> None:
    """Accounts that name one address, in any case of its letters, share what is sent there."""
    users = get_user_model().objects
    for number in range(8):
        address = "Victim@example.org" if number % 2 else "victim@example.org"
        users.create_user(f"u{number}", address, PASSWORD)
        client = Client()
        log_in(client, f"u{number}")
        response = post_json(client, RESEND)
    assert len(codes_sent()) == 5
    assert (response.status_code, response.json()["code"]) == (429, "cooldown")
    assert 890 <= int(response["Retry-After"]) <= 901
    assert post_json(half, RESEND).status_code == 200
    clock.advance(901)
    log_in(client, "u7")
    assert post_json(client, RESEND).status_code == 200


def test_a_proven_user_is_not_counted_with_strangers(half: Client, clock: Clock) -> None:
    """Whoever typed in a code from there gets codes, however many strangers name the address."""
    post_json(half, VERIFY, {"code": ask_for_code(half)})
    for number in range(8):
        get_user_model().objects.create_user(f"u{number}", "alice@example.org", PASSWORD)
        client = Client()
        log_in(client, f"u{number}")
        post_json(client, RESEND)
    half.post("/logout/")
    log_in(half)
    with redis_commands() as seen:
        assert post_json(half, RESEND).status_code == 200
    assert seen == ["EVALSHA"]
    clock.advance(91 * 86_400)
    log_in(half)
    with redis_commands() as seen:
        post_json(half, RESEND)
    assert seen == ["EVALSHA", "EVALSHA"]


def test_a_new_address_is_not_proven(half: Client, alice: Any) -> None:
    """What was typed in from the old address says nothing of the new one."""
    post_json(half, VERIFY, {"code": ask_for_code(half)})
    alice.email = "other@example.org"
    alice.save()
    half.post("/logout/")
    log_in(half)
    with redis_commands() as seen:
        post_json(half, RESEND)
    assert seen == ["EVALSHA", "EVALSHA"]


def test_the_breaker_of_the_whole_site(
    held: Any, bob: Any, admin_user: Any, settings: Any, clock: Clock
) -> None:
    """With GLOBAL_SENDS spent nobody is sent a code; the codes that were sent still work."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (2, 600)}
    code = ask_for_code(held)
    other, third = Client(), Client()
    log_in(other, "bob")
    ask_for_code(other)
    log_in(third, "root")
    clock.advance(100)
    response = third.get(VERIFY)
    assert response.status_code == 429
    assert 499 <= int(response["Retry-After"]) <= 500
    page = response.content.decode()
    assert "<span data-otp-gate-time>9 minutes</span>" in page
    assert "Attempts left" not in page
    refused = post_json(third, RESEND)
    assert (refused.status_code, refused.json()["code"]) == (429, "cooldown")
    assert len(mail.outbox) == 2
    assert held.post(VERIFY, {"code": code}).status_code == 302
    clock.advance(501)
    assert post_json(third, VERIFY, {"code": ask_for_code(third)}).status_code == 200


def test_the_window_of_the_breaker_slides(
    half: Client, bob: Any, settings: Any, clock: Clock
) -> None:
    """Each send counts for as long as the window is, and no longer."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (2, 600)}
    sent = []
    for pause in (0, 400, 100, 150, 100):
        clock.advance(pause)
        sent.append(post_json(half, RESEND).status_code)
    assert sent == [200, 200, 429, 200, 429]


def test_the_breaker_costs_the_refused_nothing(
    half: Client, bob: Any, settings: Any, clock: Clock
) -> None:
    """Neither budget nor cooldown nor the older code is used up by a refusal of the breaker."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (2, 600), "SENDS": [(2, 3600)]}
    code = ask_for_code(half)
    reference = status_of(half)["reference"]
    other = Client()
    log_in(other, "bob")
    ask_for_code(other)
    clock.advance(31)
    for _ in range(4):
        assert half.post(RESEND).status_code == 429
    assert status_of(half)["reference"] == reference
    clock.advance(600 - 30)
    assert post_json(half, RESEND).status_code == 200
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "superseded"


# ALARM


def test_the_alarm_is_given_at_each_multiple(
    half: Client, bob: Any, settings: Any, clock: Clock, heard: list[tuple[int, int]]
) -> None:
    """Many wrong answers on the whole site are signalled; one user's count up to ten."""
    settings.OTP_GATE = {**FREE, "ALARM": (6, 300), "FAILURES": {"lock_after": 100}}
    other = Client()
    log_in(other, "bob")
    ask_for_code(half)
    ask_for_code(other)
    guess(half, 3)
    guess(other, 2)
    assert heard == []
    guess(other)
    assert heard == [(6, 300)]
    guess(half, 20)
    assert heard == [(6, 300), (12, 300)]
    clock.advance(301)
    ask_for_code(half)
    guess(half, 5)
    assert len(heard) == 2
    guess(half)
    assert heard[2:] == [(6, 300)]


def test_old_wrong_answers_give_no_alarm(
    half: Client, settings: Any, clock: Clock, heard: list[tuple[int, int]]
) -> None:
    """The window slides."""
    settings.OTP_GATE = {**FREE, "ALARM": (3, 100)}
    ask_for_code(half)
    for _ in range(4):
        guess(half)
        clock.advance(51)
    assert heard == []


def test_the_alarm_may_be_switched_off(
    half: Client, settings: Any, heard: list[tuple[int, int]]
) -> None:
    """ALARM None counts nothing, and costs no command."""
    settings.OTP_GATE = {**FREE, "ALARM": None, "FAILURES": {"lock_after": 100, "per_day": 100}}
    ask_for_code(half)
    guess(half, 60)
    with redis_commands() as seen:
        guess(half)
    assert seen == ["EVALSHA"]
    assert heard == []
