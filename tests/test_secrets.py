"""The code is in the mail and nowhere else: not in logs, not in error reports."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.core import mail
from django.test import Client
from django.utils.deprecation import MiddlewareMixin
from django.utils.log import AdminEmailHandler

from tests import doubles
from tests.browsers import AsyncBrowser, ask_for_code, post_json
from tests.clock import Clock
from tests.gates import put_around_gate
from tests.helpers import (
    CANCEL,
    DISOWN,
    RESEND,
    VERIFY,
    codes_sent,
    last_code,
    open_page,
    wrong_code,
)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All loggers at DEBUG, Django's and Redis's too."""
    caplog.set_level(logging.DEBUG)
    for name in ("django", "django.db.backends", "otp_gate", "redis", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def test_no_log_holds_a_code(
    held: Any, clock: Clock, settings: Any, everything_logged: pytest.LogCaptureFixture
) -> None:
    """Right, wrong, late, superseded, void: nothing that was typed is written down (A-105)."""
    settings.DEBUG = True
    settings.OTP_GATE = {"CODE_ATTEMPTS": 20}
    first = ask_for_code(held)
    clock.advance(31)
    held.post(RESEND)
    typed = ["192837", "19 28 37", "my password", wrong_code(), first, last_code()]
    for text in typed:
        held.post(VERIFY, {"code": text})
        post_json(held, VERIFY, {"code": text})
    held.post(CANCEL)
    assert "Refused: user" in everything_logged.text
    assert "Accepted: user" in everything_logged.text
    for secret in {*typed, *codes_sent(), "alice@example.org"}:
        assert secret not in everything_logged.text


def test_the_log_says_why_by_name(
    half: Client, clock: Clock, everything_logged: pytest.LogCaptureFixture, alice: Any
) -> None:
    """Each refusal names its reason once, with the primary key of the user (ASVS 16.3.1)."""
    code = open_page(half)
    half.post(VERIFY, {"code": wrong_code()})
    clock.advance(301)
    half.post(VERIFY, {"code": code})
    half.post(VERIFY, {"code": open_page(half)})
    told = [
        record.getMessage() for record in everything_logged.records if record.name == "otp_gate"
    ]
    assert told == [
        f"Sent: user {alice.pk} by email",
        f"Refused: user {alice.pk}, invalid",
        f"Refused: user {alice.pk}, expired",
        f"Sent: user {alice.pk} by email",
        f"Accepted: user {alice.pk} by email",
    ]


def test_what_is_typed_makes_no_line_in_the_log(
    held: Any, everything_logged: pytest.LogCaptureFixture
) -> None:
    """A line break in a field forges no entry (A-107)."""
    open_page(held)
    forged = "1\r\nINFO Accepted: user 1 by email"
    held.post(VERIFY, {"code": forged, "next": forged, "factor": forged})
    post_json(held, VERIFY, {"code": forged, "next": forged})
    held.post(DISOWN, {"token": forged})
    held.get(VERIFY + "?next=%0d%0aINFO%20forged")
    assert "Accepted" not in everything_logged.text
    assert "forged" not in everything_logged.text


@pytest.fixture
def reporting(settings: Any) -> Iterator[None]:
    """The site mails its administrators a report of each error."""
    one = "admin@example.org"
    settings.ADMINS = [("Admin", one)] if django.VERSION < (6, 0) else [one]
    mailer = AdminEmailHandler(include_html=True)
    logging.getLogger("django.request").addHandler(mailer)
    yield
    logging.getLogger("django.request").removeHandler(mailer)


class Unprepared(doubles.Carrier):
    """A factor whose `verify` fails with everything at hand."""

    def verify(self, challenge: Any, user: Any, typed: object) -> Any:
        code = str(typed)
        spelled = list(code)
        raise RuntimeError(f"{len(spelled)} digits")


@pytest.mark.parametrize("kind", ["form", "json"])
def test_an_error_report_holds_no_code(
    half: Client, settings: Any, reporting: None, kind: str
) -> None:
    """Where the OTP page fails, the report shows the request without the code (A-106)."""
    settings.OTP_GATE = {"FACTORS": [Unprepared]}
    client = Client(raise_request_exception=False)
    client.cookies = half.cookies
    if kind == "json":
        response = post_json(client, VERIFY, {"code": "192837"})
    else:
        response = client.post(VERIFY, {"code": "192837", "next": "/secret/"})
    assert response.status_code == 500
    texts = [report.body for report in mail.outbox]
    [html] = [report.alternatives[0][0] for report in mail.outbox if report.alternatives]
    assert kind == "json" or "/secret/" in html
    for text in (*texts, html):
        assert "RuntimeError" in text
        assert "192837" not in text
        assert "&#x27;1&#x27;, &#x27;9&#x27;" not in text


PLACES = {
    "before the view": ({"after": [f"{__name__}.raises"]}, "a bug of the site"),
    "at the view": ({"before": [f"{__name__}.RaisesAtView"]}, "a bug of the site"),
    "on the way back": ({"before": [f"{__name__}.raises_late"]}, "a bug of the site"),
}


def raises(get_response: Any) -> Any:
    """A middleware with a bug, on the way to the view."""

    def middleware(request: Any) -> Any:
        if request.method == "POST":
            raise RuntimeError("a bug of the site")
        return get_response(request)

    return middleware


def raises_late(get_response: Any) -> Any:
    """A middleware with a bug, on the way back."""

    def middleware(request: Any) -> Any:
        response = get_response(request)
        if request.method == "POST":
            raise RuntimeError("a bug of the site")
        return response

    return middleware


class RaisesAtView(MiddlewareMixin):
    """A middleware with a bug, as soon as the view is known."""

    def process_view(self, request: Any, *args: Any) -> None:
        if request.method == "POST":
            raise RuntimeError("a bug of the site")


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
@pytest.mark.parametrize("url", [VERIFY, RESEND, CANCEL, DISOWN])
@pytest.mark.parametrize("place", PLACES)
def test_an_error_beside_the_page_holds_no_code(
    half: Client, settings: Any, reporting: None, place: str, url: str, server: str
) -> None:
    """Wherever a middleware of the site raises, the report shows the request without the code."""
    around, message = PLACES[place]
    put_around_gate(settings, **around)
    client = Client(raise_request_exception=False)
    client.cookies = half.cookies
    browser: Any = client
    if server == "asgi":
        browser = AsyncBrowser(client)
        browser.client.raise_request_exception = False
    browser.post(url, {"code": "192837", "next": "/secret/"})
    reports = [report for report in mail.outbox if report.to == ["admin@example.org"]]
    assert any(message in report.body for report in reports)
    for report in reports:
        for text in (report.body, str(report.alternatives)):
            assert "192837" not in text


def test_an_error_in_a_delivery_holds_no_code(
    half: Client, settings: Any, reporting: None, everything_logged: pytest.LogCaptureFixture
) -> None:
    """Neither does one that is raised while the code is being sent."""
    settings.OTP_GATE = {"FACTORS": [doubles.Carrier]}
    doubles.Broken.messages.clear()
    half.get(VERIFY)
    [message] = doubles.Broken.messages
    assert message.code not in everything_logged.text + str([sent.body for sent in mail.outbox])
    assert "could not send" not in everything_logged.text


def test_an_error_in_a_template_of_the_mail_holds_no_code(
    half: Client, reporting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project's own template may be broken: the code is not sent, and not reported."""
    seen: list[str] = []

    def broken(name: str, context: dict[str, Any]) -> str:
        seen.append(context["code"])
        raise ValueError(context["code"])

    monkeypatch.setattr("otp_gate.delivery.email.render_to_string", broken)
    response = post_json(half, RESEND)
    assert response.status_code == 502
    assert len(mail.outbox) == 2  # Django reports every 5xx answer, also this one.
    for report in mail.outbox:
        assert seen[0] not in report.body + str(report.alternatives)
    assert seen[0] not in response.content.decode()
