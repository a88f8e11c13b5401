"""All four POSTs are protected by the gate itself, as forms and as JSON."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from otp_gate.testing import verify
from tests.browsers import AsyncBrowser, is_in, number_on, redis_commands
from tests.clock import Clock
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    wrong_code,
)

POSTS = [VERIFY, RESEND, CANCEL, DISOWN]
KINDS = ["application/x-www-form-urlencoded", "application/json"]


@pytest.fixture(params=["with", "without"], autouse=True)
def csrf_middleware(request: pytest.FixtureRequest, settings: Any) -> None:
    """The site has CsrfViewMiddleware, or it has not."""
    if request.param == "without":
        settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if "Csrf" not in item]


@pytest.fixture(params=["wsgi", "asgi"])
def strict(request: pytest.FixtureRequest, alice: Any) -> Any:
    """Alice's browser after the password; it checks CSRF as a real site does."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    return client if request.param == "wsgi" else AsyncBrowser(client)


def token_on(client: Any, url: str = VERIFY) -> str:
    """Open a page; return the token of its form."""
    page = client.get(url).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("url", POSTS)
def test_a_post_without_token_is_refused(strict: Any, url: str, kind: str) -> None:
    """Another site cannot make a browser type, ask, sign out or disown."""
    token_on(strict)
    body = {"code": last_code()} if kind == KINDS[1] else f"code={last_code()}"
    response = strict.post(url, body, content_type=kind)
    assert response.status_code == 403
    assert not is_in(strict)
    assert strict.get("/status/").json()["status"] == "exempt"
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("url", POSTS)
def test_a_token_of_somebody_else_is_refused(strict: Any, url: str) -> None:
    """A token counts together with the cookie that it came with."""
    stranger = token_on(Client(), "/login/")
    token_on(strict)
    fields = {"csrfmiddlewaretoken": stranger, "code": last_code()}
    assert strict.post(url, fields).status_code == 403


def test_the_tokens_on_the_pages_work(strict: Any) -> None:
    """Each form carries its token: type, disown, sign out."""
    token = token_on(strict)
    response = strict.post(RESEND, {"csrfmiddlewaretoken": token})
    assert response.status_code == 429
    link = disown_link()
    asked = token_on(strict, link)
    done = strict.post(DISOWN, {"csrfmiddlewaretoken": asked, "token": link.split("token=")[1]})
    assert done.status_code == 200
    assert strict.post(CANCEL, {"csrfmiddlewaretoken": token})["Location"] == "/login/"


def test_the_token_on_the_page_types_the_code(strict: Any) -> None:
    """The form of the page opens the site, and the header does the same for programs."""
    token = token_on(strict)
    fields = {"code": last_code()}
    response = strict.post(VERIFY, fields, "application/json", headers={"x-csrftoken": token})
    assert response.json()["status"] == "verified"
    assert is_in(strict)


# A page that is out of date

STALE = {"csrfmiddlewaretoken": "x" * 64, "kept": "", "next": "/plain/"}


def fields_of(page: Any) -> dict[str, str]:
    """Return the hidden fields of the form for the code."""
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
    return dict(reversed(found))


@pytest.mark.parametrize("url", [VERIFY, RESEND, CANCEL])
def test_stale_form_shows_the_page_again(strict: Any, url: str, caplog: Any) -> None:
    """403, one sentence that says why, a fresh token; nothing is compared, counted or sent."""
    token_on(strict)
    with redis_commands() as seen:
        again = strict.post(url, {**STALE, "code": wrong_code()})
    page = again.content.decode()
    assert again.status_code == 403
    assert page.count("This page was out of date") == 1
    assert "Invalid one-time password" not in page
    assert number_on(again, "Attempts left") == 5
    assert len(seen) == 1  # The look at what is pending.
    assert len(mail.outbox) == 1
    assert "no-store" in again["Cache-Control"]
    assert f"Refused: CSRF check of {url}, " in caplog.text
    response = strict.post(VERIFY, {**fields_of(again), "code": last_code()})
    assert (response.status_code, response["Location"]) == (302, "/plain/")
    assert is_in(strict)


def test_right_code_in_a_stale_form_opens_nothing(strict: Any) -> None:
    """Another site can send no code, be it the right one, and the code is not used up."""
    token_on(strict)
    again = strict.post(VERIFY, {**STALE, "code": last_code()})
    assert again.status_code == 403
    assert not is_in(strict)
    assert strict.post(VERIFY, {**fields_of(again), "code": last_code()}).status_code == 302


def test_stale_form_of_a_locked_user_shows_the_lock(strict: Any, settings: Any) -> None:
    """The page is as a visit would show it, with the sentence on top."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 1}}
    token = token_on(strict)
    strict.post(VERIFY, {"csrfmiddlewaretoken": token, "code": wrong_code()})
    again = strict.post(VERIFY, {**STALE, "code": last_code()})
    assert again.status_code == 403
    assert "This page was out of date" in again.content.decode()
    assert "Codes are locked" in again.content.decode()


def test_stale_form_of_an_unreachable_user(strict: Any, settings: Any) -> None:
    """Who can be sent no code is told so, here too."""
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.TextMessage"]}
    again = strict.post(VERIFY, STALE)
    assert again.status_code == 403
    assert "We cannot send you a code" in again.content.decode()


def test_stale_form_of_a_disowned_login_leads_to_the_login(strict: Any) -> None:
    """As a visit of the page does."""
    token_on(strict)
    Client().post(DISOWN, {"token": disown_link().split("token=")[1]})
    assert strict.post(VERIFY, STALE)["Location"] == "/login/?next=/plain/"


@pytest.mark.parametrize("url", [VERIFY, RESEND, CANCEL])
def test_stale_form_of_a_verified_session_goes_on(strict: Any, url: str) -> None:
    """The second of two tabs: to where it wanted to go, on this host only."""
    token = token_on(strict)
    right = {"csrfmiddlewaretoken": token, "code": last_code()}
    assert strict.post(VERIFY, right).status_code == 302
    assert strict.post(url, {**STALE, "code": last_code()})["Location"] == "/plain/"
    assert strict.post(url, {**STALE, "next": "//evil.example/"})["Location"] == "/"
    answer = strict.post(url, {"next": "/plain/"}, "application/json")
    assert answer.json() == {"status": "verified", "next": "/plain/"}
    assert is_in(strict)


@pytest.mark.parametrize("url", [VERIFY, RESEND, CANCEL])
def test_stale_form_of_a_stranger_leads_to_the_login(db: None, url: str) -> None:
    """Nobody is logged in, so there is nothing to check."""
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(url, STALE)["Location"] == "/login/?next=/plain/"


@pytest.mark.parametrize("url", POSTS)
def test_program_without_token_gets_one(strict: Any, url: str, settings: Any) -> None:
    """A problem document with the code `csrf`, and a token with which the next try works."""
    strict.get(VERIFY)
    refused = strict.post(url, {"code": last_code()}, "application/json")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    assert (refused.json()["code"], refused.json()["status"]) == ("csrf", 403)
    headers = {"x-csrftoken": refused.json()["csrf_token"]}
    done = strict.post(VERIFY, {"code": last_code()}, "application/json", headers=headers)
    assert done.json()["status"] == "verified"


def test_token_in_the_answers_to_programs(strict: Any, settings: Any) -> None:
    """Also where the token lives in the session, so that there is no cookie to read."""
    settings.CSRF_USE_SESSIONS = True
    headers = {"x-csrftoken": strict.get(VERIFY, headers=JSON).json()["csrf_token"]}
    sent = strict.post(RESEND, {}, "application/json", headers=headers).json()
    assert sent["status"] == "sent"
    headers = {"x-csrftoken": sent["csrf_token"]}
    done = strict.post(VERIFY, {"code": last_code()}, "application/json", headers=headers)
    assert done.json()["status"] == "verified"


def test_program_learns_the_token_while_locked(strict: Any, settings: Any) -> None:
    """It may still want to sign out."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 1}}
    headers = {"x-csrftoken": strict.get(VERIFY, headers=JSON).json()["csrf_token"]}
    strict.post(RESEND, {}, "application/json", headers=headers)
    strict.post(VERIFY, {"code": wrong_code()}, "application/json", headers=headers)
    locked = strict.get(VERIFY, headers=JSON)
    assert (locked.status_code, locked.json()["code"]) == (429, "locked")
    headers = {"x-csrftoken": locked.json()["csrf_token"]}
    assert strict.post(CANCEL, {}, "application/json", headers=headers).status_code == 200


def test_stale_disown_form_asks_again(strict: Any) -> None:
    """403 and nothing is stopped; the form that came back stops it."""
    token_on(strict)
    link = disown_link()
    secret = link.split("token=")[1]
    again = strict.post(DISOWN, {**STALE, "token": secret})
    assert again.status_code == 403
    assert "This page was out of date" in again.content.decode()
    assert strict.get(VERIFY).status_code == 200  # Not disowned.
    assert strict.post(DISOWN, fields_of(again)).status_code == 200
    assert strict.get(VERIFY)["Location"] == "/login/"
    assert strict.post(DISOWN, {**STALE, "token": "made up"}).status_code == 403


def test_refused_form_resumes_no_saved_request(alice: Any, clock: Clock) -> None:
    """Another site's POST to a verified session lets nothing go on that waits; the page's does."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    verify(client)
    clock.advance(400)
    right = {"csrfmiddlewaretoken": token_on(client, "/login/")}
    assert client.post("/pay/", {**right, "amount": "7"})["Location"] == VERIFY
    verify(client)
    assert client.post(VERIFY, {**STALE, "next": ""})["Location"] == "/"
    assert client.post(VERIFY, right)["Location"].startswith("/pay/?otp_gate_resume=")
