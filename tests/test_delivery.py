"""Ways to a person, and what happens where one of them fails: nothing is used up."""

from __future__ import annotations

import io
import smtplib
from contextlib import redirect_stderr
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.test import Client

from otp_gate import outage
from otp_gate.delivery.console import ConsoleDelivery
from otp_gate.delivery.email import EmailDelivery, masked
from otp_gate.delivery.sms import SMSDelivery
from otp_gate.exceptions import DeliveryError
from otp_gate.factors.email import EmailCode
from otp_gate.signals import code_sent
from tests import doubles
from tests.browsers import ask_for_code, post_json, status_of
from tests.clock import Clock
from tests.helpers import CANCEL, JSON, RESEND, VERIFY, last_code, log_in, open_page

BACKEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"


@pytest.fixture
def broken(settings: Any) -> Any:
    """The delivery of the project raises."""
    settings.OTP_GATE = {"FACTORS": [doubles.Carrier]}
    doubles.Broken.messages.clear()
    yield doubles.Broken
    doubles.Broken.error = OSError


class Surprise(Exception):
    """Nobody has heard of it."""


@pytest.mark.parametrize(
    "error",
    [OSError, DeliveryError, Surprise, ValueError, RecursionError, smtplib.SMTPException]
    + [TimeoutError, MemoryError],
)
def test_a_delivery_may_raise_anything(
    held: Any,
    broken: Any,
    caplog: pytest.LogCaptureFixture,
    clock: Clock,
    error: type[Exception],
) -> None:
    """The page says so, as JSON 502; the log names the class, and never the code in its text."""
    caplog.set_level("DEBUG")
    broken.error = error
    page = held.get(VERIFY)
    assert page.status_code == 200
    assert "The code could not be sent" in page.content.decode()
    assert f'action="{CANCEL}"' in page.content.decode()
    clock.advance(31)
    resent = held.post(RESEND)
    assert "The code could not be sent" in resent.content.decode()
    clock.advance(31)
    response = post_json(held, RESEND)
    assert (response.status_code, response.json()["code"]) == (502, "undeliverable")
    assert f"Not delivered by carrier: {error.__name__}" in caplog.text
    assert len(broken.messages) == 3
    for message in broken.messages:
        told = caplog.text + page.content.decode() + resent.content.decode() + str(response.json())
        assert message.code not in told
        assert message.code not in repr(message)


def test_a_failed_delivery_waits_for_the_next_try(half: Client, broken: Any, clock: Clock) -> None:
    """A hundred tries at once call the mail server once; the answer says when it is tried again."""
    for _ in range(10):
        response = post_json(half, RESEND)
        assert (response.status_code, response.json()["code"]) == (502, "undeliverable")
    assert len(broken.messages) == 1
    assert response["Retry-After"] == "30"
    assert (status_of(half)["status"], status_of(half)["resend_in"]) == ("none", 30)
    clock.advance(31)
    assert status_of(half)["resend_in"] == 0
    post_json(half, RESEND)
    assert len(broken.messages) == 2


def test_the_page_of_a_failed_delivery_counts_down(half: Client, broken: Any, clock: Clock) -> None:
    """It says so again when it is loaded anew, and when to try again."""
    for _ in range(2):
        page = half.get(VERIFY).content.decode()
        assert "The code could not be sent" in page
        assert 'data-otp-gate-resend="30"' in page
    assert len(broken.messages) == 1


def test_the_wait_is_that_of_the_budget_where_it_is_longer(half: Client, settings: Any) -> None:
    """Waiting as long as the answer says is enough."""
    settings.OTP_GATE = {"SENDS": [(1, 900)]}
    with mock.patch(BACKEND, side_effect=OSError):
        post_json(half, RESEND)
        assert int(post_json(half, RESEND)["Retry-After"]) in (900, 901)


def test_a_right_code_ends_the_count_of_failures(half: Client, settings: Any) -> None:
    """It arrived: what failed before is no longer held against the user, nor after one more."""
    settings.OTP_GATE = {"SENDS": [(3, 900)], "RESEND_COOLDOWN": 0}
    post_json(half, VERIFY, {"code": ask_for_code(half)})
    half.post("/logout/")
    log_in(half)
    code = ask_for_code(half)
    with mock.patch(BACKEND, side_effect=OSError):
        assert [post_json(half, RESEND).status_code for _ in range(4)] == [502] * 4
    assert "Retry-After" in post_json(half, RESEND)
    assert post_json(half, VERIFY, {"code": code}).json()["status"] == "verified"
    half.post("/logout/")
    log_in(half)
    with mock.patch(BACKEND, side_effect=OSError):
        post_json(half, RESEND)
    assert post_json(half, RESEND).status_code == 200


@pytest.mark.parametrize("pause", [0, 61])
def test_failures_have_a_budget_of_their_own(
    half: Client, broken: Any, clock: Clock, settings: Any, pause: int
) -> None:
    """As many as SENDS allows codes; one that is over does not touch the budget of codes."""
    settings.OTP_GATE |= {"SENDS": [(3, 900)], "RESEND_COOLDOWN": pause}
    for _ in range(8):
        response = post_json(half, RESEND)
        clock.advance(pause + 1)
    assert len(broken.messages) == 3
    assert int(response["Retry-After"]) == pytest.approx(900 - 7 * (pause + 1), abs=2)
    clock.advance(901)
    settings.OTP_GATE = {"SENDS": [(3, 900)]}
    log_in(half)
    assert post_json(half, RESEND).status_code == 200


def test_the_failures_of_the_site_have_a_budget(
    half: Client, bob: Any, admin_user: Any, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is spent, this process hands nothing over for a while, and says so."""
    monkeypatch.setattr(outage, "FAILURES", 1)
    monkeypatch.setattr(outage.Pause, "until", 0.0)
    post_json(half, RESEND)
    other = Client()
    log_in(other, "bob")
    post_json(other, RESEND)
    assert len(broken.messages) == 2
    third = Client()
    log_in(third, "root")
    response = post_json(third, RESEND)
    assert (response.status_code, response["Retry-After"]) == (502, "30")
    assert len(broken.messages) == 2
    monkeypatch.setattr(outage.Pause, "until", 0.0)
    post_json(third, RESEND)
    assert len(broken.messages) == 3


def test_the_older_code_still_works(
    held: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another code cannot be sent, the one before stays current, with its clock."""
    code = ask_for_code(held)
    before = status_of(held)
    clock.advance(31)
    with monkeypatch.context() as patch:
        patch.setattr(BACKEND, lambda *args: 0)
        response = held.post(RESEND)
        assert post_json(held, RESEND).status_code == 502
    page = response.content.decode()
    assert response.status_code == 200
    assert "The code could not be sent" in page
    assert "The code that you already have still works." in page
    after = status_of(held)
    assert after["reference"] == before["reference"]
    assert before["expires_in"] - after["expires_in"] == pytest.approx(31, abs=1)
    assert held.post(VERIFY, {"code": code}).status_code == 302


def test_the_earlier_codes_stay_superseded(
    half: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken back leaves the mails before it as they were."""
    first = ask_for_code(half)
    clock.advance(31)
    second = ask_for_code(half)
    clock.advance(31)
    with monkeypatch.context() as patch:
        patch.setattr(BACKEND, lambda *args: 0)
        assert post_json(half, RESEND).status_code == 502
    assert post_json(half, VERIFY, {"code": first}).json()["code"] == "superseded"
    clock.advance(31)
    third = ask_for_code(half)
    assert post_json(half, VERIFY, {"code": second}).json()["code"] == "superseded"
    assert post_json(half, VERIFY, {"code": third}).status_code == 200


def test_the_budget_is_given_back(
    half: Client, clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failed mails are no part of SENDS or of GLOBAL_SENDS, for whom the address is proven."""
    post_json(half, VERIFY, {"code": ask_for_code(half)})
    clock.advance(901)
    log_in(half)
    settings.OTP_GATE = {"SENDS": [(2, 900)], "GLOBAL_SENDS": (2, 900)}
    ask_for_code(half)
    clock.advance(31)
    with monkeypatch.context() as patch:
        patch.setattr(BACKEND, lambda *args: 0)
        for _ in range(5):
            assert post_json(half, RESEND).status_code == 502
    clock.advance(31)
    ask_for_code(half)
    clock.advance(31)
    assert post_json(half, RESEND).status_code == 429


def test_a_mail_backend_that_sends_nothing_is_a_failure(
    half: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 means that no mail left, as a backend with `fail_silently` says it."""
    monkeypatch.setattr(BACKEND, lambda *args: 0)
    assert post_json(half, RESEND).status_code == 502


def test_an_address_that_is_no_header_is_a_failure(half: Client, alice: Any) -> None:
    """A stored address with a line break reaches nobody, and nobody else."""
    type(alice).objects.update(email="alice@example.org\nBcc: thief@evil.example")
    assert post_json(half, RESEND).status_code == 502
    assert mail.outbox == []


def test_a_delivered_code_is_signalled_and_a_failed_one_is_not(
    half: Client, alice: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`code_sent` means that a code left."""
    heard = []

    def hear(**named: Any) -> None:
        heard.append((named["user"], named["factor"], named["reference"]))

    code_sent.connect(hear)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(BACKEND, lambda *args: 0)
            post_json(half, RESEND)
        assert heard == []
        clock.advance(31)
        ask_for_code(half)
        assert heard == [(alice, "email", status_of(half)["reference"])]
    finally:
        code_sent.disconnect(hear)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("alice@example.org", "a•••@e•••.org"),
        ("a@b.c", "a•••@b•••.c"),
        ("alice@mail.example.co.uk", "a•••@m•••.uk"),
        ("alice@localhost", "a•••@l•••"),
        ('"a@b"@example.org', '"•••@e•••.org'),
    ],
)
def test_an_address_is_masked(half: Client, alice: Any, address: str, shown: str) -> None:
    """Its owner recognises it, and nobody else can write to it."""
    assert masked(address) == shown
    alice.email = address
    alice.save()
    assert half.get(VERIFY, headers=JSON).json()["destination"] == shown
    page = half.get(VERIFY).content.decode()
    assert address not in page


def test_the_console_prints_one_line(half: Client, settings: Any) -> None:
    """For development: who, which code, which reference, how long."""
    settings.OTP_GATE = {"FACTORS": ["otp_gate.factors.console.ConsoleCode"], "CODE_TTL": 60}
    with redirect_stderr(io.StringIO()) as terminal:
        pending = post_json(half, RESEND).json()
    line = terminal.getvalue()
    reference = pending["reference"]
    assert line.startswith("One-time code for alice: ")
    assert line.endswith(f"(reference {reference}, valid for 60 seconds)\n")
    assert pending["destination"] == ""
    assert mail.outbox == []
    code = line.split(": ")[1][:6]
    assert post_json(half, VERIFY, {"code": code}).json()["status"] == "verified"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.org", "www.example.org"),
        ("www.example.org:8000", "www.example.org"),
        ("[::1]", "[::1]"),
        ("[::1]:8000", "[::1]"),
    ],
)
def test_a_text_message_ends_in_the_origin_bound_line(
    half: Client, alice: Any, settings: Any, db: None, host: str, domain: str
) -> None:
    """Phones offer the code on the page of that host only; the port is no part of it."""
    settings.OTP_GATE = {"FACTORS": [doubles.TextMessage]}
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if "sites" not in app]
    settings.ALLOWED_HOSTS = ["*"]
    alice.last_name = "+49 (170) 123-4567"
    alice.save()
    doubles.Gateway.sent.clear()
    half.get(VERIFY, headers={"host": host})
    [(number, text)] = doubles.Gateway.sent
    code = text.split()[0]
    assert number == "+491701234567"
    assert text.splitlines()[-1] == f"@{domain} #{code}"
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_gateway_has_to_be_written(half: Client, settings: Any, alice: Any) -> None:
    """The base of the text messages sends nothing by itself; that is a failed delivery."""

    class Unwritten(doubles.TextMessage):
        delivery = SMSDelivery

    alice.last_name = "+491701234567"
    alice.save()
    settings.OTP_GATE = {"FACTORS": [Unwritten]}
    assert post_json(half, RESEND).status_code == 502


@pytest.mark.parametrize(
    "delivery",
    [EmailDelivery, EmailDelivery(), "otp_gate.delivery.email.EmailDelivery"],
    ids=["class", "instance", "dotted path"],
)
def test_a_delivery_is_named_in_three_ways(half: Client, settings: Any, delivery: Any) -> None:
    """A class, an instance of it, or its dotted path."""
    factor = type("Mail", (EmailCode,), {"delivery": delivery})
    settings.OTP_GATE = {"FACTORS": [factor]}
    assert post_json(half, VERIFY, {"code": ask_for_code(half)}).status_code == 200


def test_deliveries_do_not_print_the_code_elsewhere(half: Client, capfd: Any) -> None:
    """Nothing but the console delivery writes to the terminal."""
    log_in(Client())
    open_page(half)
    half.post(VERIFY, {"code": last_code()})
    out, err = capfd.readouterr()
    assert last_code() not in out + err
    assert ConsoleDelivery is not EmailDelivery
