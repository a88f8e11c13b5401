"""What the mails say: about the code, the site they come from, and a lock."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.core import mail
from django.test import Client

from otp_gate.letters import waiting_time
from tests.browsers import reference_on
from tests.helpers import VERIFY, last_code, open_page


@pytest.fixture
def site(db: None) -> Any:
    """The row of the sites framework, to be changed by the test."""
    Site.objects.clear_cache()
    yield Site.objects.get()
    Site.objects.clear_cache()


def test_the_mail_holds_what_a_person_needs(half: Client) -> None:
    """Text and HTML: the code, its reference, how long it lives, whose site and account it is."""
    reference = reference_on(half.get(VERIFY))
    [sent] = mail.outbox
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    assert len(sent.alternatives) == 1
    for part in (sent.body, html):
        assert last_code() in part
        assert reference in part
        assert "5 minutes" in part
        assert "alice" in part
        assert "example.com" in part
        assert "/otp/disown/?token=" in part
        assert "Never tell it to anybody" in part


def test_the_subject_does_not_hold_the_code(half: Client) -> None:
    """A subject stands on locked screens."""
    open_page(half)
    assert last_code() not in mail.outbox[0].subject
    assert last_code()[:3] not in mail.outbox[0].subject


@pytest.mark.parametrize(
    ("ttl", "words"), [(60, "1 minute"), (300, "5 minutes"), (90, "90 seconds"), (1, "1 second")]
)
def test_the_mail_says_how_long_the_code_lives(
    half: Client, settings: Any, ttl: int, words: str
) -> None:
    """Whole minutes as minutes, everything else as seconds."""
    settings.OTP_GATE = {"CODE_TTL": ttl}
    open_page(half)
    assert re.search(rf"\b{words}\b", mail.outbox[0].body)


@pytest.mark.parametrize("length", [6, 7, 8, 10])
def test_a_code_has_the_length_that_was_set(half: Client, settings: Any, length: int) -> None:
    """CODE_LENGTH digits are sent, and the same are right."""
    settings.OTP_GATE = {"CODE_LENGTH": length}
    code = open_page(half)
    assert len(code) == length
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_name_with_a_line_break_makes_no_header(half: Client, site: Any) -> None:
    """Whoever may name the site cannot add a recipient."""
    Site.objects.update(name="Shop\nBcc: thief@evil.example")
    open_page(half)
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["alice@example.org"]


def test_names_are_escaped_in_html_and_plain_in_text(half: Client, site: Any, alice: Any) -> None:
    """A name is text, whatever it looks like."""
    Site.objects.update(name="<b>Fish & Chips</b>")
    alice.username = "o'<i>alice</i>"
    alice.save()
    open_page(half)
    [sent] = mail.outbox
    assert "<b>Fish & Chips</b>" in sent.body
    assert "o'<i>alice</i>" in sent.body
    html = sent.alternatives[0][0]
    assert "<b>Fish" not in html
    assert "<i>alice" not in html


def test_a_site_without_a_row_is_named_by_its_host(half: Client, site: Any) -> None:
    """The sites framework without a matching site falls back to the host of the request."""
    site.delete()
    half.get(VERIFY, headers={"host": "www.example.org"})
    assert "for www.example.org (" in mail.outbox[0].subject
    assert "http://www.example.org/otp/disown/?token=" in mail.outbox[0].body


def test_a_secure_site_is_linked_securely(half: Client) -> None:
    """The link of the mail has the scheme of the request."""
    half.get(VERIFY, secure=True)
    assert "https://example.com/otp/disown/?token=" in mail.outbox[0].body


def test_a_forged_host_comes_into_no_mail(half: Client, site: Any) -> None:
    """Django holds the host against ALLOWED_HOSTS before anybody can write it into a link."""
    site.delete()
    response = half.get(VERIFY, headers={"host": "evil.example"})
    assert response.status_code == 400
    assert mail.outbox == []


def test_a_site_without_the_page_sends_no_link(half: Client, settings: Any, site: Any) -> None:
    """A project with its own set of URLs may leave the link out."""
    settings.ROOT_URLCONF = "tests.urlconfs.without_disown"
    open_page(half)
    assert "token=" not in mail.outbox[0].body
    assert "change it" in mail.outbox[0].body


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, ""),
        (0.2, "1 second"),
        (1, "1 second"),
        (59.1, "60 seconds"),
        (119, "119 seconds"),
        (119.5, "2 minutes"),
        (121, "3 minutes"),
        (7199, "120 minutes"),
        (7200, "2 hours"),
        (7201, "3 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_waiting_time_is_rounded_up(seconds: float | None, text: str) -> None:
    """Whoever waits as long as he was told has waited long enough."""
    assert waiting_time(seconds) == text
