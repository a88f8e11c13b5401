"""Another code: when one may be asked for, by which factor, and what the one before is worth."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests import doubles
from tests.browsers import is_in, number_on, post_json, redis_commands, status_of
from tests.clock import Clock
from tests.helpers import JSON, RESEND, VERIFY, codes_sent, last_code, open_page


@pytest.fixture
def two_factors(settings: Any, alice: Any) -> None:
    """The project offers mail first and text messages second."""
    settings.OTP_GATE = {"FACTORS": [doubles.EMAIL, "tests.doubles.TextMessage"]}
    alice.last_name = "+49 170 1234567"
    alice.save()
    doubles.Gateway.sent.clear()


def test_another_code_is_sent_and_the_page_shown_again(held: Any, clock: Clock) -> None:
    """A POST is answered with a redirect, so that a reload of the page asks for nothing."""
    open_page(held)
    clock.advance(30)
    response = held.post(RESEND)
    assert (response.status_code, response["Location"]) == (302, VERIFY)
    assert len(codes_sent()) == 2
    held.get(VERIFY)
    assert len(codes_sent()) == 2
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302


def test_next_is_carried_through(held: Any) -> None:
    """Whoever asks for another code still lands where he was going."""
    response = held.post(RESEND, {"next": "/secret/?page=2"})
    assert response["Location"] == "/otp/?next=/secret/%3Fpage%3D2"
    assert held.post(RESEND + "?next=//evil.example/")["Retry-After"] == "30"


def test_two_codes_keep_their_distance(held: Any, clock: Clock) -> None:
    """Asked too early, the page says how long to wait, and the code that was sent works."""
    code = open_page(held)
    clock.advance(10)
    response = held.post(RESEND)
    page = response.content.decode()
    assert response.status_code == 429
    assert int(response["Retry-After"]) == pytest.approx(20, abs=1)
    assert "Please wait before you ask for another code" in page
    assert "The code that you already have still works." in page
    assert number_on(response, "Attempts left") == 5
    assert len(mail.outbox) == 1
    assert held.post(VERIFY, {"code": code}).status_code == 302


def test_a_cooldown_may_be_switched_off(half: Client, settings: Any) -> None:
    """RESEND_COOLDOWN 0 leaves the windows of SENDS as the only bound."""
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
    assert [half.post(RESEND).status_code for _ in range(6)] == [302] * 5 + [429]


def test_a_get_sends_nothing(held: Any) -> None:
    """A link scanner or a bookmark asks for no code."""
    with redis_commands() as seen:
        response = held.get(RESEND + "?next=/secret/")
    assert (response.status_code, response["Location"]) == (302, "/otp/?next=/secret/")
    assert held.head(RESEND).status_code == 302
    assert mail.outbox == []
    assert seen == []


def test_every_mail_has_its_own_reference(half: Client, clock: Clock, settings: Any) -> None:
    """However many codes of one login are on their way, a person can tell them apart."""
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0, "SENDS": []}
    references = set()
    for _ in range(20):
        references.add(post_json(half, RESEND).json()["reference"])
    assert len(references) == 20


def test_another_factor_can_be_chosen(held: Any, two_factors: None, clock: Clock) -> None:
    """The page offers the other ways; the code that they bring opens the site."""
    page = held.get(VERIFY).content.decode()
    assert '<input type="hidden" name="factor" value="sms">' in page
    assert page.count('<input type="hidden" name="factor" value="email">') == 1
    clock.advance(31)
    assert held.post(RESEND, {"factor": "sms"}).status_code == 302
    pending = status_of(held)
    assert (pending["factor"], pending["destination"]) == ("sms", "••• 67")
    assert pending["factors"] == ["email", "sms"]
    page = held.get(VERIFY).content.decode()
    assert '<input type="hidden" name="factor" value="email">' in page
    number, text = doubles.Gateway.sent[-1]
    assert number == "+491701234567"
    assert held.post(VERIFY, {"code": text.split("#")[-1]}).status_code == 302
    assert held.get("/status/").json()["factor"] == "sms"


def test_all_factors_share_one_cooldown_and_budget(
    half: Client, two_factors: None, clock: Clock
) -> None:
    """Who is refused a mail is not sent a text message instead."""
    open_page(half)
    assert half.post(RESEND, {"factor": "sms"}).status_code == 429
    for factor in ("sms", "email", "sms", "sms"):
        clock.advance(31)
        assert half.post(RESEND, {"factor": factor}).status_code == 302
    clock.advance(31)
    assert half.post(RESEND, {"factor": "sms"}).status_code == 429


@pytest.mark.parametrize("factor", ["pigeon", "", ["sms"], {"a": 1}, 7, None])
def test_an_unknown_factor_is_the_first(held: Any, two_factors: None, factor: object) -> None:
    """A factor that is not offered is no error; the preferred one is taken."""
    assert post_json(held, RESEND, {"factor": factor}).json()["factor"] == "email"


def test_a_factor_that_cannot_reach_a_person_is_not_offered(
    half: Client, two_factors: None, alice: Any
) -> None:
    """Without a number there is no text message, without an address no mail."""
    alice.last_name = ""
    alice.save()
    assert status_of(half)["factors"] == ["email"]
    assert post_json(half, RESEND, {"factor": "sms"}).json()["factor"] == "email"
    alice.email = ""
    alice.save()
    body = half.get(VERIFY, headers=JSON).json()
    assert body["missing"] == "an email address or a mobile phone number"


def test_the_code_of_one_factor_supersedes_that_of_another(
    half: Client, two_factors: None, clock: Clock
) -> None:
    """One login waits for one code, by whatever road it comes."""
    code = open_page(half)
    clock.advance(31)
    half.post(RESEND, {"factor": "sms"})
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "superseded"
    assert not is_in(half)
