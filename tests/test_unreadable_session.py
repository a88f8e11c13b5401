"""A session engine that fails: nobody can know who asks, so the gate stays shut, in words."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.test import AsyncClient, Client
from django.views.debug import get_exception_reporter_filter

from tests import views
from tests.helpers import JSON, VERIFY, open_page


@pytest.fixture
def broken_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions table is locked, or gone."""

    def load(self: Any) -> Any:
        raise OperationalError("the row of session key s3cret")

    async def aload(self: Any) -> Any:
        load(self)

    monkeypatch.setattr(SessionStore, "load", load)
    monkeypatch.setattr(SessionStore, "aload", aload)


def test_a_session_that_cannot_be_read_gets_a_friendly_page(
    verified: Client, broken_sessions: None, caplog: pytest.LogCaptureFixture
) -> None:
    """503 with Retry-After, never stored; the view does not run, and no key is logged."""
    with caplog.at_level(logging.DEBUG):
        response = verified.get("/plain/")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "no-store" in response["Cache-Control"]
    assert "Try again" in response.content.decode()
    assert views.RAN["plain"] == 0
    assert "s3cret" not in caplog.text
    assert "OperationalError" in caplog.text


def test_it_says_so_to_programs(verified: Client, broken_sessions: None) -> None:
    """A problem document with the code `unavailable`."""
    response = verified.get("/plain/", headers=JSON)
    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"


def test_it_says_so_on_an_asgi_server(averified: AsyncClient, broken_sessions: None) -> None:
    """The same under ASGI."""
    assert asyncio.run(averified.get("/plain/")).status_code == 503


def test_the_page_needs_no_session_itself(
    verified: Client, broken_sessions: None, settings: Any
) -> None:
    """Also where the CSRF token would come from the session: the page then holds no form."""
    settings.CSRF_USE_SESSIONS = True
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    client = Client()
    client.cookies = verified.cookies
    response = client.get("/plain/")
    assert response.status_code == 503
    assert "<form" not in response.content.decode()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_code_stays_out_of_error_reports(
    half: Client, broken_sessions: None, kind: type, rf: Any
) -> None:
    """What is posted to the page that was not reached is no less secret."""
    client = kind()
    client.cookies = half.cookies
    if kind is Client:
        response = client.post(VERIFY, {"code": "135790"})
    else:
        response = asyncio.run(client.post(VERIFY, {"code": "135790"}))
    request = getattr(response, "wsgi_request", None) or response.asgi_request
    report = get_exception_reporter_filter(request).get_post_parameters(request)
    assert response.status_code == 503
    assert "135790" not in str(report)


def test_who_brings_no_session_notices_nothing(client: Client, broken_sessions: None) -> None:
    """An anonymous visitor gets the page."""
    assert client.get("/plain/").content == b"plain"


def test_report_mode_lets_through_what_it_cannot_read(
    verified: Client, broken_sessions: None, settings: Any
) -> None:
    """A roll-out must not take the site down."""
    settings.OTP_GATE = {"MODE": "report"}
    assert verified.get("/plain/").content == b"plain"


@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_session_that_cannot_be_saved_opens_nothing(
    half: Client, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """The right code at the wrong moment: a friendly page, the old session still half."""
    code = open_page(half)

    def save(self: Any, must_create: bool = False) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as broken:
        broken.setattr(SessionStore, "save", save)
        response = half.post(VERIFY, {"code": code}, headers=headers)
    assert response.status_code == 503
    assert half.get("/secret/").status_code == 302


def test_a_user_who_cannot_be_loaded_gets_a_friendly_page(
    half: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The table of users is locked, or gone; what the database quotes of it is not logged."""

    def get_user(self: Any, user_id: Any) -> None:
        raise OperationalError("a row of users: s3cret")

    monkeypatch.setattr(ModelBackend, "get_user", get_user)
    assert half.get(VERIFY).status_code == 503
    assert half.get("/secret/").status_code == 302
    assert "s3cret" not in caplog.text


def test_a_session_engine_that_finds_no_key_opens_nothing(
    half: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that is away when the verified session is to be written says so by RuntimeError."""
    code = open_page(half)

    def create(self: Any) -> None:
        raise RuntimeError("Unable to create a new session key.")

    with monkeypatch.context() as broken:
        broken.setattr(SessionStore, "create", create)
        response = half.post(VERIFY, {"code": code})
    assert response.status_code == 503
    assert half.get("/secret/").status_code == 302


# The page of the fault


def broken_processor(request: Any) -> dict[str, Any]:
    """Reads the session, as a context processor of the project's may."""
    return {"visits": request.session.get("visits")}


def test_the_page_needs_nothing_that_has_failed(
    settings: Any, passed: Any, monkeypatch: Any
) -> None:
    """A context processor that reads the session is left out; the answer stays a 503."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    [templates] = settings.TEMPLATES
    options = templates["OPTIONS"]
    processors = [*options["context_processors"], f"{__name__}.broken_processor"]
    settings.TEMPLATES = [{**templates, "OPTIONS": {**options, "context_processors": processors}}]
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import OperationalError

    def away(self: Any, *args: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(SessionStore, "load", away)
    monkeypatch.setattr(SessionStore, "aload", away)
    answer = passed.get("/secret/")
    assert answer.status_code == 503
    assert b"otp-gate" in answer.content


def test_a_page_that_cannot_be_rendered_is_plain_text(
    passed: Any, monkeypatch: Any, caplog: Any
) -> None:
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import OperationalError

    from otp_gate import pages

    def away(self: Any, *args: Any) -> Any:
        raise OperationalError("away")

    def broken(*args: Any) -> str:
        raise RuntimeError("a bug of a base template")

    monkeypatch.setattr(SessionStore, "load", away)
    monkeypatch.setattr(SessionStore, "aload", away)
    monkeypatch.setattr(pages, "render_to_string", broken)
    answer = passed.get("/secret/")
    assert answer.status_code == 503
    assert answer.content == b"Codes cannot be checked right now. Try again in a moment."
    assert "RuntimeError" in caplog.text
