"""The OTP page as a person meets it: what is typed, what is shown, when a code is sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.browsers import (
    FRAME,
    PREFETCH,
    SUBRESOURCE,
    is_in,
    number_on,
    redis_commands,
    reference_on,
)
from tests.clock import Clock
from tests.helpers import (
    RESEND,
    VERIFY,
    last_code,
    log_in,
    open_page,
    wrong_code,
)

INVALID = "Invalid one-time password"
EXPIRED = "One-time password has expired"


def page_after(client: Any, code: object) -> str:
    """Type a code that is refused; return the page."""
    response = client.post(VERIFY, {"code": code})
    assert response.status_code == 200
    return str(response.content.decode())


# What is typed


def test_the_right_code_opens_the_site(held: Any) -> None:
    """The right code leads to where people land after a login, and the site is open."""
    response = held.post(VERIFY, {"code": open_page(held)})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_in(held)


def test_a_wrong_code_is_invalid(held: Any) -> None:
    """A wrong code is called invalid, and the page says how often one may try again."""
    open_page(held)
    response = held.post(VERIFY, {"code": wrong_code()})
    assert response.status_code == 200
    assert INVALID in response.content.decode()
    assert number_on(response, "Attempts left") == 4
    assert not is_in(held)


def test_a_late_code_has_expired(held: Any, clock: Clock) -> None:
    """A late code is called expired, and the page has a button for a new one."""
    code = open_page(held)
    clock.advance(301)
    page = page_after(held, code)
    assert EXPIRED in page
    assert f'action="{RESEND}"' in page
    assert not is_in(held)


@pytest.mark.parametrize("ttl", [60, 300])
def test_a_code_lives_exactly_its_ttl(half: Client, clock: Clock, settings: Any, ttl: int) -> None:
    """One second before its end a code is right; a second after it, it is late."""
    settings.OTP_GATE = {"CODE_TTL": ttl}
    code = open_page(half)
    clock.advance(ttl + 1)
    assert EXPIRED in page_after(half, code)
    half.post(RESEND)
    clock.advance(ttl - 1)
    assert half.post(VERIFY, {"code": last_code()}).status_code == 302


def test_an_hour_later_a_code_is_still_told_from_none(half: Client, clock: Clock) -> None:
    """The record outlives the code, so that *expired* is not *there was none*."""
    code = open_page(half)
    clock.advance(890)
    assert EXPIRED in page_after(half, code)


def test_a_code_of_an_earlier_mail_is_superseded(held: Any, clock: Clock) -> None:
    """The page names the mail that the typed code came with and the one that counts."""
    page = held.get(VERIFY)
    old, old_reference = last_code(), reference_on(page)
    clock.advance(31)
    new_reference = reference_on(held.get(held.post(RESEND)["Location"]))
    response = held.post(VERIFY, {"code": old})
    text = response.content.decode()
    assert old_reference != new_reference
    assert f"the reference <bdi>{old_reference}</bdi>" in text
    assert f"the reference <bdi>{new_reference}</bdi>" in text
    assert INVALID not in text
    assert number_on(response, "Attempts left") == 5
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302


def test_the_reference_of_the_mail_stands_on_the_page(half: Client) -> None:
    """Two characters say which mail is meant."""
    reference = reference_on(half.get(VERIFY))
    assert reference in mail.outbox[0].subject
    assert reference in mail.outbox[0].body


def test_five_wrong_answers_void_a_code(held: Any) -> None:
    """After CODE_ATTEMPTS wrong answers the right one is refused too."""
    code = open_page(held)
    for _ in range(5):
        page = page_after(held, wrong_code())
    assert INVALID in page
    assert "Too many wrong codes" in page_after(held, code)
    assert not is_in(held)


def test_a_code_works_once(half: Client) -> None:
    """A code that was used opens no second login of the same browser."""
    code = open_page(half)
    half.post(VERIFY, {"code": code})
    half.post("/logout/")
    log_in(half)
    page_after(half, code)
    assert not is_in(half)


def test_a_code_opens_no_other_session(half: Client) -> None:
    """The code of one browser is refused in another one of the same user."""
    code = open_page(half)
    other = Client()
    log_in(other)
    page_after(other, code)
    open_page(other)
    assert INVALID in page_after(other, code)
    assert half.post(VERIFY, {"code": code}).status_code == 302
    assert not is_in(other)


def test_a_code_opens_nothing_for_another_user(half: Client, bob: Any) -> None:
    """Alice's code is worth nothing in Bob's session, and is not burnt there."""
    code = open_page(half)
    other = Client()
    log_in(other, "bob")
    open_page(other)
    response = other.post(VERIFY, {"code": code, "user": "alice", "username": "alice"})
    assert INVALID in response.content.decode()
    assert not is_in(other)
    assert half.post(VERIFY, {"code": code}).status_code == 302


@pytest.mark.parametrize("query", ["?code={}", "?code={}&code={}"])
def test_a_code_in_the_address_is_ignored(half: Client, query: str) -> None:
    """A code counts in the body of a POST only: addresses are logged everywhere."""
    code = open_page(half)
    page = half.post(VERIFY + query.format(code, code)).content.decode()
    assert INVALID in page
    half.get(VERIFY + query.format(code, code))
    assert not is_in(half)


def test_of_two_codes_in_one_body_one_counts(half: Client) -> None:
    """Two fields of the same name are one guess."""
    code = open_page(half)
    response = half.post(VERIFY, {"code": [code, wrong_code()]})
    assert INVALID in response.content.decode()
    assert number_on(response, "Attempts left") == 4


def test_typing_something_else_costs_no_attempt(half: Client) -> None:
    """What cannot be a code is invalid, and neither compared nor counted."""
    open_page(half)
    response = half.post(VERIFY, {"code": "my password"})
    assert INVALID in response.content.decode()
    assert number_on(response, "Attempts left") == 5


def test_typing_before_a_code_was_sent_is_refused(half: Client) -> None:
    """A code that nobody was sent opens nothing."""
    assert "No code is waiting for you" in page_after(half, "123456")
    assert not is_in(half)


# When a code is sent


def test_a_reload_sends_nothing_while_a_code_is_alive(held: Any, clock: Clock) -> None:
    """Opening the page again shows the code that is on its way."""
    reference = reference_on(held.get(VERIFY))
    clock.advance(120)
    again = held.get(VERIFY)
    assert len(mail.outbox) == 1
    assert reference_on(again) == reference
    assert number_on(again, "Time left") == pytest.approx(180, abs=1)


def test_opening_the_page_after_the_end_sends_a_new_code(held: Any, clock: Clock) -> None:
    """Where the code has expired, opening the page is asking for another."""
    open_page(held)
    clock.advance(301)
    held.post(VERIFY, {"code": open_page(held)})
    assert len(mail.outbox) == 2
    assert is_in(held)


def test_a_reload_of_a_void_code_waits_for_the_cooldown(half: Client, clock: Clock) -> None:
    """Five wrong answers do not buy another code at once; opening the page is no error."""
    open_page(half)
    for _ in range(5):
        half.post(VERIFY, {"code": wrong_code()})
    response = half.get(VERIFY)
    assert response.status_code == 200
    assert "Attempts left" not in response.content.decode()
    assert len(mail.outbox) == 1
    clock.advance(31)
    open_page(half)
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("headers", [SUBRESOURCE, PREFETCH, {"purpose": "prefetch"}])
def test_what_a_browser_fetches_by_itself_sends_nothing(held: Any, headers: dict[str, str]) -> None:
    """A picture or a prefetch is no person who opens the page."""
    with redis_commands() as seen:
        response = held.get(VERIFY, headers=headers)
    assert response.status_code == 403
    assert response.content == b""
    assert mail.outbox == []
    assert seen == []


@pytest.mark.parametrize("headers", [FRAME, {"sec-fetch-dest": "object"}])
def test_a_framed_page_sends_nothing(held: Any, headers: dict[str, str]) -> None:
    """Nobody can type a code into a frame, which no browser shows anyway."""
    response = held.get(VERIFY, headers=headers)
    assert response["X-Frame-Options"] == "DENY"
    assert mail.outbox == []


def test_head_sends_nothing(held: Any) -> None:
    """A link checker reads no mail."""
    response = held.head(VERIFY)
    assert (response.status_code, response.content) == (200, b"")
    assert mail.outbox == []


def test_a_page_of_the_site_sends_nothing(held: Any) -> None:
    """Being turned away costs no mail; opening the OTP page does."""
    held.get("/secret/")
    assert mail.outbox == []
