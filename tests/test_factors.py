"""Ways to prove it: whom they reach, and how a project writes its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from otp_gate.challenge import Challenge
from otp_gate.checks.options import check_settings
from otp_gate.factors.base import CodeFactor
from otp_gate.factors.console import ConsoleCode
from otp_gate.factors.email import EmailCode
from otp_gate.factors.sms import SMSCode
from otp_gate.outcomes import Outcome, Reply
from tests import doubles
from tests.browsers import post_json, status_of
from tests.helpers import JSON, RESEND, VERIFY


@pytest.mark.parametrize(
    ("number", "reachable"),
    [
        ("+491701234567", True),
        ("+49 (0) 170 / 123-45.67", True),
        ("+15551234567", True),
        ("", False),
        (None, False),
        ("+", False),
        ("491701234567", False),
        ("0170 1234567", False),
        ("+0491701234567", False),
        ("+49170", False),
        ("+4917012345678901234", False),
        ("+49170abc4567", False),
        ("+٤٩١٧٠١٢٣٤٥٦٧", False),
        ("+491701234567\n", True),
        ("+491701234567;+15551234567", False),
        ("+881612345678", False),
        ("+882161234567", False),
        ("+9791234567", False),
    ],
)
def test_a_text_message_goes_to_allowed_countries_only(number: str | None, reachable: bool) -> None:
    """A number is in E.164 form and begins as the project allows: premium ones cost thousands."""

    class Phone(SMSCode):
        prefixes = ("+49", "+1")

        def number(self, user: Any) -> Any:
            return number

    missing = Phone().missing(object())
    assert missing == ("" if reachable else "a mobile phone number")
    destination = Phone().destination(object())
    assert not reachable or destination.removeprefix("+").isdecimal()


@pytest.mark.parametrize(
    ("number", "reachable"),
    [
        ("+80812345678", False),
        ("+870772001234", False),
        ("+87812345678901", False),
        ("+881612345678", False),
        ("+882161234567", False),
        ("+883510012345", False),
        ("+88812345678", False),
        ("+9791234567", False),
        ("+19005551234", False),
        ("+1 (900) 555-1234", False),
        ("+15551234567", True),
        ("+19015551234", True),
        ("+886912345678", True),
        ("+971501234567", True),
        ("+491701234567", True),
    ],
)
def test_no_text_message_goes_to_a_number_of_no_country(number: str, reachable: bool) -> None:
    """Satellites and world-wide premium lines are refused, whatever countries a project allows."""
    for prefixes in (("+",), ("+1", "+8", "+9", "+49")):
        phone = doubles.TextMessage()
        phone.prefixes = prefixes  # type: ignore[misc]
        missing = phone.missing(User(last_name=number))
        assert missing == ("" if reachable else "a mobile phone number")


def test_a_project_may_bar_other_numbers() -> None:
    """Who reaches ships by satellite writes their own list."""

    class Phone(doubles.TextMessage):
        prefixes = ("+",)
        barred = ["+49900"]  # type: ignore[assignment]  # noqa: RUF012

    assert Phone().missing(User(last_name="+870772001234")) == ""
    assert Phone().missing(User(last_name="+4990012345678")) != ""


def test_allowed_countries_may_be_a_list() -> None:
    """A list is as good as a tuple."""

    class Phone(doubles.TextMessage):
        prefixes = ["+49"]  # type: ignore[assignment]  # noqa: RUF012

    assert Phone().missing(User(last_name="+491701234567")) == ""
    assert Phone().missing(User(last_name="+15551234567")) != ""


def test_a_number_that_was_changed_to_a_premium_one_is_refused(
    half: Any, alice: Any, settings: Any
) -> None:
    """Before anything is sent, the stored number is looked at again (A-69)."""
    settings.OTP_GATE = {"FACTORS": [doubles.TextMessage]}
    doubles.Gateway.sent.clear()
    alice.last_name = "+491701234567"
    alice.save()
    assert half.get(VERIFY, headers=JSON).json()["destination"] == "••• 67"
    alice.last_name = "+882161234567"
    alice.save()
    response = post_json(half, RESEND)
    assert (response.status_code, response.json()["code"]) == (502, "undeliverable")
    assert response.json()["missing"] == "a mobile phone number"
    assert doubles.Gateway.sent == []


@pytest.mark.parametrize("address", ["", " ", "alice", None])
def test_a_mail_needs_an_address(address: str | None) -> None:
    """What holds no @ is no address."""
    assert EmailCode().missing(User(email=address)) == "an email address"


def test_the_email_field_is_asked_for_by_its_name() -> None:
    """A user model may call it otherwise, and may have none."""

    class Member:
        mailbox = "m@example.org"

        def get_email_field_name(self) -> str:
            return "mailbox"

    assert EmailCode().destination(Member()) == "m@example.org"
    assert EmailCode().destination(object()) == ""


def test_the_console_reaches_everybody() -> None:
    """Whoever reads the terminal is no person in particular, so nothing is missing or masked."""
    console = ConsoleCode()
    assert console.missing(User()) == ""
    assert console.masked(User(username="alice")) == ""
    assert console.destination(User(username="alice")) == "alice"


@pytest.mark.parametrize("factor", [CodeFactor, SMSCode])
def test_a_factor_that_says_nothing_is_unfinished(settings: Any, factor: type) -> None:
    """It is named by the check, and not found by the first user."""
    settings.OTP_GATE = {"FACTORS": [factor]}
    (error,) = check_settings(None)
    assert f"{factor.__name__} must be subclassed" in error.msg


class Riddle:
    """A factor that sends no code at all: it asks for a word."""

    id = "riddle"
    label = "Riddle"

    def missing(self, user: Any) -> str:
        return ""

    def masked(self, user: Any) -> str:
        return "the Sphinx"

    def send(
        self, challenge: Challenge, user: Any, letterhead: Any, *, another: bool = False
    ) -> Reply:
        return Reply(outcome=Outcome.ALIVE, factor=self.id)

    def verify(self, challenge: Challenge, user: Any, typed: object) -> Reply:
        right = typed == "man"
        return Reply(
            outcome=Outcome.ACCEPTED if right else Outcome.INVALID, factor=self.id, attempts_left=1
        )


def test_a_factor_of_the_projects_own(held: Any, settings: Any) -> None:
    """Four verbs make a factor; it is kept in the session by its id."""
    settings.OTP_GATE = {"FACTORS": [Riddle]}
    page = held.get(VERIFY).content.decode()
    assert "the Sphinx" in page
    assert "Riddle" in page
    wrong = post_json(held, VERIFY, {"code": "cat"})
    assert (wrong.status_code, wrong.json()["attempts_left"]) == (400, 1)
    assert held.post(VERIFY, {"code": "man"}).status_code == 302
    assert held.get("/status/").json()["factor"] == "riddle"


@pytest.mark.parametrize("word", [word for word in Outcome if word is not Outcome.ACCEPTED])
def test_every_word_but_accepted_is_a_refusal(held: Any, settings: Any, word: Outcome) -> None:
    """Whatever a factor answers, only the literal word opens a session (H-25)."""

    class Sphinx(Riddle):
        def verify(self, challenge: Challenge, user: Any, typed: object) -> Reply:
            return Reply(outcome=word, factor=self.id)

    settings.OTP_GATE = {"FACTORS": [Sphinx]}
    if word not in (Outcome.ISSUED, Outcome.ALIVE):  # words of `send`
        assert post_json(held, VERIFY, {"code": "man"}).status_code >= 400
        held.post(VERIFY, {"code": "man"})
    assert held.get("/secret/").content != b"secret of alice"


def test_a_factor_is_named_by_path_class_or_instance(half: Any, settings: Any) -> None:
    """FACTORS takes all three."""
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.Carrier", EmailCode, doubles.TextMessage()]}
    assert status_of(half)["factors"] == ["carrier", "email"]
