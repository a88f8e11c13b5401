"""The same pages for programs: each row of the table in DESIGN.md section 5, as JSON."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.browsers import (
    PREFETCH,
    SUBRESOURCE,
    ask_for_code,
    is_in,
    post_json,
    redis_commands,
    status_of,
)
from tests.clock import Clock
from tests.helpers import JSON, RESEND, VERIFY, last_code, open_page, wrong_code


def problem_of(response: Any, status: int, code: str) -> Any:
    """Return a problem document, after a look at what all of them have."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["type"]
    assert "no-store" in response["Cache-Control"]
    return body


def test_the_right_code_verifies(held: Any) -> None:
    """A program hears that it is verified, and where a person would go."""
    ask_for_code(held)
    response = post_json(held, VERIFY, {"code": last_code(), "next": "/secret/"})
    assert response.status_code == 200
    assert response.json() == {"status": "verified", "next": "/secret/"}
    assert is_in(held)


def test_next_has_a_default(held: Any) -> None:
    """Without a `next`, or with one that leads elsewhere, it is LOGIN_REDIRECT_URL."""
    code = ask_for_code(held)
    response = post_json(held, VERIFY, {"code": code, "next": "//evil.example/"})
    assert response.json() == {"status": "verified", "next": "/"}


def test_a_wrong_code_is_invalid(held: Any) -> None:
    """400 `invalid`, with the number of attempts that are left."""
    ask_for_code(held)
    for left in (4, 3, 2, 1, 0, 0):
        response = post_json(held, VERIFY, {"code": wrong_code()})
        assert problem_of(response, 400, "invalid")["attempts_left"] == left
    assert problem_of(post_json(held, VERIFY, {"code": last_code()}), 400, "invalid")
    assert not is_in(held)


def test_a_late_code_has_expired(held: Any, clock: Clock) -> None:
    """400 `expired`."""
    code = ask_for_code(held)
    clock.advance(301)
    problem_of(post_json(held, VERIFY, {"code": code}), 400, "expired")


def test_a_code_of_an_earlier_mail_is_superseded(held: Any, clock: Clock) -> None:
    """400 `superseded`, with both references, and no attempt is lost."""
    old = ask_for_code(held)
    old_reference = status_of(held)["reference"]
    clock.advance(31)
    ask_for_code(held)
    body = problem_of(post_json(held, VERIFY, {"code": old}), 400, "superseded")
    assert body["superseded_reference"] == old_reference
    assert body["reference"] == status_of(held)["reference"] != old_reference
    assert body["attempts_left"] == 5
    assert post_json(held, VERIFY, {"code": last_code()}).status_code == 200


def test_a_code_that_nobody_was_sent_is_invalid(held: Any) -> None:
    """Before a code was asked for, nothing is right."""
    body = problem_of(post_json(held, VERIFY, {"code": "123456"}), 400, "invalid")
    assert body["attempts_left"] == 0


@pytest.mark.parametrize(
    "body",
    ["[]", '["123456"]', "null", "123456", '"123456"', "{", " ", '{"code": 123456}', "\x00"]
    + ['{"code": null}', '{"code": ["123456"]}', '{"code": {"a": 1}}', '{"code": true}', "{}"]
    + ["[" * 100_000, '{"code": "\\ud800"}', '{"code": "1234567890123"}', '{"code": "\\u0000"}'],
)
def test_a_body_of_another_shape_is_invalid(half: Client, body: str) -> None:
    """What holds no code is `invalid`, costs no attempt, and is no error of the server."""
    for left in (0, 5):
        response = half.post(VERIFY, body, content_type="application/json")
        assert problem_of(response, 400, "invalid")["attempts_left"] == left
        ask_for_code(half) if left == 0 else None


def test_a_late_answer_of_another_shape_is_invalid_too(half: Client, clock: Clock) -> None:
    """What cannot be a code was never right, so it cannot be late either."""
    ask_for_code(half)
    clock.advance(301)
    problem_of(post_json(half, VERIFY, {"code": "abc"}), 400, "invalid")


def test_too_many_codes_are_a_cooldown(held: Any, clock: Clock) -> None:
    """429 `cooldown`, and `Retry-After` says when; the code that was sent still works."""
    code = ask_for_code(held)
    response = post_json(held, RESEND)
    problem_of(response, 429, "cooldown")
    assert response["Retry-After"] == "30"
    assert len(mail.outbox) == 1
    assert post_json(held, VERIFY, {"code": code}).status_code == 200


def test_a_get_tells_what_is_pending_and_sends_nothing(held: Any, clock: Clock) -> None:
    """A program may poll: it learns factor, masked destination and times, and no code leaves."""
    nothing = status_of(held)
    assert nothing.pop("csrf_token")
    assert nothing == {
        "status": "none",
        "factor": "email",
        "destination": "a•••@e•••.org",
        "reference": None,
        "expires_in": 0,
        "resend_in": 0,
        "attempts_left": None,
        "factors": ["email"],
    }
    assert mail.outbox == []

    sent = post_json(held, RESEND).json()
    clock.advance(20)
    with redis_commands() as seen:
        pending = status_of(held)
    # It is masked anew each time (Django's guard against BREACH).
    assert pending.pop("csrf_token") != sent.pop("csrf_token")
    assert seen == ["EVALSHA"]
    assert sent.pop("status") == "sent"
    assert sent["expires_in"] == 300
    assert sent["resend_in"] == 30
    assert pending["expires_in"] == pytest.approx(280, abs=1)
    assert pending["resend_in"] == pytest.approx(10, abs=1)
    assert pending == {
        "status": "pending",
        **sent,
        "attempts_left": 5,
        "expires_in": pending["expires_in"],
        "resend_in": pending["resend_in"],
    }
    assert pending["reference"] in mail.outbox[0].subject
    assert len(mail.outbox) == 1


def test_a_get_tells_how_a_code_ended(half: Client, clock: Clock) -> None:
    """Expired and used up are told apart from a code that is pending."""
    ask_for_code(half)
    for _ in range(5):
        post_json(half, VERIFY, {"code": wrong_code()})
    assert status_of(half)["status"] == "used_up"
    clock.advance(301)
    ended = status_of(half)
    assert (ended["status"], ended["expires_in"], ended["attempts_left"]) == ("expired", 0, None)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        {"x-requested-with": "XMLHttpRequest"},
        {"sec-fetch-dest": "empty", "accept": "*/*"},
        {"accept": "application/problem+json"},
    ],
)
def test_every_program_is_answered_in_json(held: Any, headers: dict[str, str]) -> None:
    """`fetch`, XHR and API clients get JSON, also for a form post; no code is sent to a GET."""
    assert held.get(VERIFY, headers=headers).json()["status"] == "none"
    assert mail.outbox == []
    assert held.post(RESEND, headers=headers).json()["status"] == "sent"
    form = held.post(VERIFY, {"code": last_code()}, headers=headers)
    assert form.json()["status"] == "verified"


@pytest.mark.parametrize("headers", [PREFETCH, SUBRESOURCE])
def test_nothing_is_told_ahead_of_a_click(held: Any, headers: dict[str, str]) -> None:
    """A prefetch is refused bare, whatever it accepts."""
    response = held.get(VERIFY, headers={**JSON, **headers})
    assert (response.status_code, response.content) == (403, b"")


def test_a_user_without_an_address_is_undeliverable(held: Any, alice: Any) -> None:
    """502 `undeliverable`, naming what is missing, however the program asks."""
    alice.email = ""
    alice.save()
    for response in (
        held.get(VERIFY, headers=JSON),
        post_json(held, RESEND),
        post_json(held, VERIFY, {"code": "123456"}),
    ):
        body = problem_of(response, 502, "undeliverable")
        assert body["missing"] == "an email address"


@pytest.mark.parametrize("url", [VERIFY, RESEND])
def test_nobody_is_told_to_log_in(client: Client, db: None, url: str) -> None:
    """Whoever is not logged in at all hears where the login is."""
    for response in (client.get(url, headers=JSON), post_json(client, url, {"code": "123456"})):
        assert problem_of(response, 403, "login_required")["login_url"] == "/login/"


def test_the_verified_hear_that_they_are(verified: Client) -> None:
    """Whoever has nothing to prove hears so, and no code is sent."""
    for response in (verified.get(VERIFY, headers=JSON), post_json(verified, RESEND)):
        assert response.json() == {"status": "verified", "next": "/"}
    assert not mail.outbox


def test_a_program_can_start_here(alice: Any) -> None:
    """A GET as JSON gives the CSRF token that the POST needs."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.get(VERIFY, headers=JSON)
    headers = {"x-csrftoken": client.cookies["csrftoken"].value}
    assert post_json(client, RESEND, headers=headers).status_code == 200
    code = {"code": last_code()}
    assert post_json(client, VERIFY, code, headers=headers).status_code == 200


def test_html_and_json_share_one_code(half: Client) -> None:
    """The form of the answer changes, and nothing else."""
    code = open_page(half)
    half.post(VERIFY, {"code": wrong_code()})
    assert status_of(half)["attempts_left"] == 4
    body = post_json(half, VERIFY, {"code": wrong_code()}).json()
    assert body["attempts_left"] == 3
    assert post_json(half, VERIFY, {"code": code}).status_code == 200
