"""A code is good as long as the place that it went to is still that person's."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from otp_gate.factors.sms import SMSCode
from tests import doubles
from tests.browsers import ask_for_code, is_in, post_json, status_of
from tests.helpers import RESEND, VERIFY, last_code, open_page


class Phone(SMSCode):
    """A text message to a number that a test may change."""

    delivery = doubles.Gateway
    stored = "+491701234567"

    def number(self, user: Any) -> str:
        return self.stored


def test_a_code_is_void_where_the_address_changed(held: Any, alice: Any) -> None:
    """The code in the old mailbox opens nothing; the next page sends one to the new address."""
    old = open_page(held)
    alice.email = "new@example.net"
    alice.save()
    assert status_of(held)["status"] == "none"
    assert held.post(VERIFY, {"code": old}).status_code == 200
    assert not is_in(held)
    page = held.get(VERIFY).content.decode()
    assert mail.outbox[-1].to == ["new@example.net"]
    assert "n•••@e•••.net" in page
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302


def test_an_address_that_comes_back_makes_it_good_again(half: Client, alice: Any) -> None:
    """It is where it went that counts."""
    code = open_page(half)
    for address in ("new@example.net", "alice@example.org"):
        alice.email = address
        alice.save()
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_letters_in_another_case_are_the_same_mailbox(half: Client, alice: Any) -> None:
    """A directory that writes addresses its own way voids nothing."""
    code = open_page(half)
    alice.email = "Alice@Example.org"
    alice.save()
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_the_code_of_another_factor_stays_good(
    half: Client, alice: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new phone number is nothing to the code in the mailbox, and voids that of the old phone."""
    settings.OTP_GATE = {
        "FACTORS": ["otp_gate.factors.email.EmailCode", Phone],
        "RESEND_COOLDOWN": 0,
    }
    mailed = ask_for_code(half)
    monkeypatch.setattr(Phone, "stored", "+491709999999")
    assert status_of(half)["status"] == "pending"
    assert post_json(half, RESEND, {"factor": "sms"}).status_code == 200
    monkeypatch.setattr(Phone, "stored", "+491701111111")
    assert status_of(half)["status"] == "none"
    assert post_json(half, VERIFY, {"code": mailed}).status_code == 400
    code = ask_for_code(half)
    assert post_json(half, VERIFY, {"code": code}).json()["status"] == "verified"
