"""The OTP page over the life of a session, and what each answer of it carries."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError
from django.test import Client, RequestFactory

from otp_gate import views
from tests.browsers import (
    SUBRESOURCE,
    ask_for_code,
    is_in,
    post_json,
)
from tests.clock import Clock
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    RESEND,
    VERIFY,
    codes_sent,
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


# What the person behind the session may change meanwhile


def test_a_user_who_is_switched_off_gets_no_further(half: Client, alice: Any) -> None:
    """Between mail and code an administrator can still stop a login (ASVS 7.4.2)."""
    code = open_page(half)
    alice.is_active = False
    alice.save()
    response = half.post(VERIFY, {"code": code})
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert not is_in(half)


def test_a_changed_address_gets_the_next_mail(half: Client, alice: Any, clock: Clock) -> None:
    """A mail goes to the stored address only, whatever a request says."""
    open_page(half)
    alice.email = "new@example.net"
    alice.save()
    clock.advance(31)
    half.post(RESEND, {"email": "thief@evil.example", "to": "thief@evil.example"})
    assert [sent.to for sent in mail.outbox] == [["alice@example.org"], ["new@example.net"]]


def test_a_user_without_an_address_is_told_what_is_missing(held: Any, alice: Any) -> None:
    """Whom no factor can reach is told so, by name of what is missing, and can sign out."""
    alice.email = ""
    alice.save()
    for response in (held.get(VERIFY), held.post(RESEND), held.post(VERIFY, {"code": "123456"})):
        page = response.content.decode()
        assert response.status_code == 200
        assert "<strong>an email address</strong>" in page
        assert f'action="{CANCEL}"' in page
    assert mail.outbox == []


# The session


def test_verification_makes_a_new_session(half: Client) -> None:
    """The key is cycled, the old one names nobody, the CSRF token is another (ASVS 7.2.4)."""
    code = open_page(half)
    old = {name: half.cookies[name].value for name in ("sessionid", "csrftoken")}
    half.post(VERIFY, {"code": code})
    assert half.cookies["sessionid"].value != old["sessionid"]
    assert half.cookies["csrftoken"].value != old["csrftoken"]
    thief = Client()
    thief.cookies["sessionid"] = old["sessionid"]
    assert thief.get("/status/").json()["status"] == "anonymous"


def test_another_browser_of_a_verified_user_stays_half(verified: Client) -> None:
    """A second session of the same user proves itself."""
    other = Client()
    log_in(other)
    assert not is_in(other)
    assert is_in(verified)


def test_the_half_session_holds_no_secret(half: Client, alice: Any) -> None:
    """Who reads the session table finds no code, no digest of one, no password, no address."""
    code = open_page(half)
    half.post(VERIFY, {"code": wrong_code()})
    dump = str(dict(half.session)) + str(half.cookies)
    assert code not in dump
    for secret in (alice.email, "correct horse", alice.password):
        assert secret not in dump
    assert set(half.session.keys()) == {
        "_auth_user_id",
        "_auth_user_backend",
        "_auth_user_hash",
        "_otp_gate_pending",
    }


def test_opening_the_page_writes_no_session(half: Client, django_assert_num_queries: Any) -> None:
    """To issue a code, session and user are read and nothing is written."""
    half.get(VERIFY)
    with django_assert_num_queries(2):
        half.get(VERIFY)


def test_a_login_older_than_the_gate_proves_itself(held: Any) -> None:
    """Where the gate was added to a running site, opening the page starts a challenge."""
    session = held.session
    del session["_otp_gate_pending"]
    session.save()
    assert held.post(VERIFY, {"code": open_page(held)}).status_code == 302
    assert is_in(held)


def test_a_session_store_that_fails_is_no_500(
    half: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The code is right but the session cannot be written: 503, not in, and a new code works."""
    code = open_page(half)

    def fail(*args: object) -> None:
        raise OperationalError("row of session key abc")

    with monkeypatch.context() as patch:
        patch.setattr("django.contrib.sessions.backends.db.SessionStore.cycle_key", fail)
        assert half.post(VERIFY, {"code": code}).status_code == 503
        assert post_json(half, VERIFY, {"code": code}).status_code in (400, 503)
    assert "OperationalError" in caplog.text
    assert "abc" not in caplog.text
    assert not is_in(half)
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


def test_a_step_up_asks_a_verified_person_again(verified: Client, clock: Clock) -> None:
    """The page says so; a wrong answer takes nothing away, the right one leads on."""
    clock.advance(301)
    response = verified.get("/step-up/")
    assert response["Location"] == "/otp/?next=/step-up/"
    page = verified.get(response["Location"]).content.decode()
    assert "Confirm that it is you" in page
    assert "Signed in as <bdi>alice</bdi>" in page
    page = verified.post(VERIFY, {"code": wrong_code(), "next": "/step-up/"}).content.decode()
    assert INVALID in page
    assert is_in(verified)
    response = verified.post(VERIFY, {"code": last_code(), "next": "/step-up/"})
    assert response["Location"] == "/step-up/"
    assert verified.get("/step-up/").content == b"stepped up"


# What each answer carries


def answers(half: Client) -> list[Any]:
    """Return one answer of each kind that the four pages can give to a held session."""
    found = [half.get(VERIFY), half.get(VERIFY, headers=JSON), half.head(VERIFY)]
    found += [half.get(VERIFY, headers=SUBRESOURCE), half.post(VERIFY, {"code": wrong_code()})]
    found += [half.get(RESEND), half.post(RESEND), post_json(half, RESEND), half.get(CANCEL)]
    found += [half.get(DISOWN), half.post(DISOWN, {"token": "x"}), half.put(VERIFY)]
    found += [Client(enforce_csrf_checks=True).post(VERIFY), half.post(CANCEL)]
    return [*found, half.get(VERIFY), half.get(VERIFY, headers=JSON)]


def test_no_answer_is_stored_framed_or_named_elsewhere(half: Client, settings: Any) -> None:
    """Never cached, never framed, no `Referer` to another site, whatever the site's own say."""
    settings.MIDDLEWARE = [
        item
        for item in settings.MIDDLEWARE
        if "Security" not in item and "XFrame" not in item and "Csrf" not in item
    ]
    found = answers(half)
    assert {answer.status_code for answer in found} == {200, 302, 400, 403, 405, 429}
    for answer in found:
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Frame-Options"] == "DENY"


def test_no_answer_holds_the_code(half: Client, clock: Clock) -> None:
    """The code is in the mail and nowhere else: no page, header, cookie or address (A-103)."""
    first = ask_for_code(half)
    clock.advance(31)
    found = [half.get(VERIFY), half.get(VERIFY, headers=JSON), post_json(half, RESEND)]
    found += [half.post(VERIFY, {"code": first}), post_json(half, VERIFY, {"code": first})]
    found += [half.post(VERIFY, {"code": wrong_code()}), half.post(RESEND)]
    found += [half.post(VERIFY, {"code": last_code()}), half.get("/secret/")]
    for response in found:
        told = response.content.decode() + str(response.headers) + str(response.cookies)
        for code in codes_sent():
            assert code not in told
            assert f"{code[:3]} {code[3:]}" not in told


def test_a_page_without_its_middleware_says_what_is_missing(alice: Any) -> None:
    """The pages do not run beside a gate that does not stand."""
    request = RequestFactory().get(VERIFY)
    request.user = alice
    with pytest.raises(Exception, match=r"otp_gate\.middleware\.OTPGateMiddleware"):
        views.verify(request)
