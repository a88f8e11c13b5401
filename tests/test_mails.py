"""The mails of the gate as mail programs and mail backends see them."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.core import mail
from django.core.checks import run_checks
from django.test import Client

from otp_gate.delivery.base import Message
from otp_gate.delivery.email import EmailDelivery
from otp_gate.factors.email import EmailCode
from tests import doubles
from tests.helpers import JSON, VERIFY, codes_sent, open_page, wrong_code


def use_backend(settings: Any, path: str) -> None:
    """Set the default mail backend, by the setting of this Django."""
    if django.VERSION < (6, 1):
        settings.EMAIL_BACKEND = path
    else:
        settings.MAILERS = {"default": {"BACKEND": path}}


@pytest.fixture
def queue(settings: Any) -> Any:
    """django-post-office as it is by default: its `send()` returns 0 for a mail in its queue."""
    use_backend(settings, "tests.doubles.PostOffice")
    yield doubles.PostOffice.queued
    doubles.PostOffice.queued.clear()


class FromSecurity(EmailDelivery):
    """A project's own sender, and a header more."""

    def mail(self, message: Message) -> Any:
        built = super().mail(message)
        built.from_email = "security@example.org"
        built.extra_headers["X-Priority"] = "1"
        return built


class SecurityEmail(EmailCode):
    delivery = FromSecurity


class OwnRoad(EmailDelivery):
    """A project's own way to hand a mail over."""

    def send(self, message: Message) -> None:
        raise NotImplementedError


class OwnEmail(EmailCode):
    delivery = OwnRoad


def test_no_program_answers_the_mails(held: Any, settings: Any) -> None:
    """The mail with the code, and the one about a lock, say that a program has sent them."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 1}}
    open_page(held)
    held.post(VERIFY, {"code": wrong_code()})
    assert len({message.subject for message in mail.outbox}) == 2
    for message in mail.outbox:
        sent = message.message()
        assert sent["Auto-Submitted"] == "auto-generated"
        assert sent["X-Auto-Response-Suppress"] == "All"


def test_project_can_change_sender_and_headers(held: Any, settings: Any) -> None:
    """`mail` is there to be overridden; what the gate needs stays."""
    settings.OTP_GATE = {"FACTORS": ["tests.test_mails.SecurityEmail"]}
    open_page(held)
    sent = mail.outbox[0].message()
    assert sent["From"] == "security@example.org"
    assert (sent["X-Priority"], sent["Auto-Submitted"]) == ("1", "auto-generated")


def test_queued_mail_holds_a_valid_code(held: Any, queue: Any) -> None:
    """0 means queued there: the mail comes, and its code must open the session."""
    page = held.get(VERIFY)
    assert "We sent a code" in page.content.decode()
    mail.outbox = queue
    [code] = codes_sent()
    assert held.post(VERIFY, {"code": code}).status_code == 302


def test_post_office_that_sends_at_once_tells_of_failure(
    held: Any, queue: Any, settings: Any
) -> None:
    """With the priority "now" 0 means that the mail server failed."""
    settings.POST_OFFICE = {"DEFAULT_PRIORITY": "now"}
    assert held.get(VERIFY, headers=JSON).json()["status"] == "none"
    assert "The code could not be sent" in held.get(VERIFY).content.decode()


def test_zero_of_other_backends_means_not_sent(held: Any, settings: Any) -> None:
    """Nothing is used up, and the page says so."""
    use_backend(settings, "tests.doubles.Silent")
    assert "The code could not be sent" in held.get(VERIFY).content.decode()


@pytest.mark.parametrize(
    "address", ["alice@example.org, eve@example.org", "alice@example.org\nBcc: eve@example.org"]
)
def test_address_that_django_refuses_is_named(half: Client, alice: Any, address: str) -> None:
    """It never works, so the page does not say "our fault, try again"; nothing is sent."""
    alice.email = address
    alice.save()
    page = half.get(VERIFY).content.decode()
    assert "We cannot send you a code" in page
    assert "an email address that we can write to" in page
    assert not mail.outbox


@pytest.mark.parametrize("address", ["o'neil@example.org", "alice@xn--mnchen-3ya.example"])
def test_unusual_addresses_get_their_code(half: Client, alice: Any, address: str) -> None:
    """Django can write to these."""
    alice.email = address
    alice.save()
    open_page(half)
    assert mail.outbox[0].to == [address]


# Checks


def told() -> list[Any]:
    """Return what the checks say of the mail backend."""
    return [item for item in run_checks() if item.id in ("otp_gate.E015", "otp_gate.W015")]


def test_queue_is_named_with_what_it_keeps(settings: Any) -> None:
    """What is lost, where the code can be read, and the setting that helps."""
    use_backend(settings, "tests.doubles.PostOffice")
    [message] = told()
    assert "post_office_email" in message.msg
    assert "nobody is told" in message.msg
    assert '"DEFAULT_PRIORITY": "now"' in message.hint
    settings.POST_OFFICE = {"DEFAULT_PRIORITY": "now"}
    [message] = told()
    assert "nobody is told" not in message.msg
    assert "DEFAULT_PRIORITY" not in message.hint


def test_site_that_sends_no_mail_by_the_backend_is_left_alone(settings: Any) -> None:
    """Another factor, a delivery of one's own, one that cannot be made (E009), wrong settings."""
    use_backend(settings, "no_such_package.EmailBackend")
    for factors in (
        ["tests.doubles.TextMessage"],
        ["tests.test_mails.OwnEmail"],
        ["tests.bad_projects.e009_delivery_not_there.Pigeon"],
        ["no_such_factor"],
    ):
        settings.OTP_GATE = {"FACTORS": factors}
        assert told() == []


def test_site_without_a_mailer_is_left_alone(settings: Any) -> None:
    """Django itself says what is missing; the key of a mailer may have no backend."""
    for mailers in ({}, {"default": {}}):
        settings.MAILERS = mailers
        assert told() == []
