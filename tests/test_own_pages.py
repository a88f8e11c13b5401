"""The gate's own pages between other people's middleware: who is seen, what stands, what leaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from otp_gate.views import verify
from tests.gates import put_around_gate, restarted
from tests.helpers import DISOWN, JSON, RESEND, VERIFY, disown_link, last_code, open_page

PAGES = [("get", VERIFY), ("post", VERIFY), ("post", RESEND)]


def behind(settings: Any, *names: str) -> None:
    put_around_gate(settings, after=[f"tests.middlewares.{name}" for name in names])


@pytest.mark.parametrize(("method", "url"), PAGES)
def test_a_middleware_sees_nobody_until_the_code_is_right(
    settings: Any, held: Any, method: str, url: str
) -> None:
    """It would act for a user of whom only the password is known."""
    behind(settings, "SeesUsers")
    ask = getattr(restarted(held), method)
    assert "token" not in ask(url).cookies
    assert (
        held.post(VERIFY, {"code": last_code() if mail.outbox else open_page(held)}).status_code
        == 302
    )
    assert "token" in held.get("/secret/").cookies


def test_the_handler_of_an_error_sees_nobody(settings: Any, held: Any, monkeypatch: Any) -> None:
    """An own page that fails is a page of the site's, with the context of the site."""
    from otp_gate import views

    seen: list[bool] = []

    def handler500(request: HttpRequest) -> HttpResponse:
        seen.append(request.user.is_authenticated)
        return HttpResponse(status=500)

    def broken(visit: Any, factor: Any, *, another: bool) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(views, "send", broken)
    monkeypatch.setattr("tests.urls.handler500", handler500, raising=False)
    client = getattr(held, "client", held)
    client.raise_request_exception = False
    assert held.get(VERIFY).status_code == 500
    assert seen == [False]


@pytest.mark.parametrize("where", ["Refuses", "RefusesAtView"])
@pytest.mark.parametrize("status", ["401", "403", "429", "500"])
@pytest.mark.parametrize(("method", "url"), PAGES)
def test_a_refusal_of_another_middleware_stands(
    settings: Any, held: Any, where: str, status: str, method: str, url: str
) -> None:
    """A banned address, a flood: no code is sent, none is compared."""
    behind(settings, where)
    code = open_page(restarted(held))
    mail.outbox.clear()
    answer = getattr(held, method)(url, {"code": code}, headers={"x-refuse": status})
    assert (answer.status_code, answer.content) == (int(status), b"refused")
    assert not mail.outbox
    assert held.get("/status/").json()["status"] == "exempt"


@pytest.mark.parametrize("where", ["Refuses", "RefusesAtView"])
@pytest.mark.parametrize("status", ["200", "302", "404", "405", "503"])
def test_what_would_trap_a_login_is_overruled(
    settings: Any, held: Any, where: str, status: str
) -> None:
    """A page that is missing, closed for maintenance, or another page."""
    behind(settings, where)
    trap = {"x-refuse": status}
    assert b"one-time-code" in restarted(held).get(VERIFY, headers=trap).content
    assert held.post(VERIFY, {"code": last_code()}, headers=trap).status_code == 302
    assert held.get("/status/").json()["status"] == "verified"


# The forms, and their tokens


@pytest.fixture
def strict(alice: Any) -> Client:
    """A browser after the password, on a site that checks CSRF tokens."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    return client


def stale(client: Client, url: str, **fields: Any) -> Any:
    return client.post(url, {"csrfmiddlewaretoken": "A" * 32, **fields})


@pytest.mark.parametrize("url", [VERIFY, RESEND, "/otp/cancel/"])
def test_a_stale_form_shows_the_page_anew(strict: Client, url: str) -> None:
    """With a fresh token and one sentence; nothing is compared, counted or sent."""
    code = open_page(strict)
    answer = stale(strict, url, code=code, next="/secret/")
    assert answer.status_code == 403
    assert b"This page was out of date" in answer.content
    assert b'name="csrfmiddlewaretoken"' in answer.content
    assert b'value="/secret/"' in answer.content
    assert len(mail.outbox) == 1
    assert strict.get(VERIFY, headers=JSON).json()["attempts_left"] == 5


def test_a_stale_form_of_a_verified_session_goes_on(strict: Client) -> None:
    """Two tabs: the code is typed into the first, then into the second."""
    token = strict.get(VERIFY, headers=JSON).json()["csrf_token"]
    fields = {"code": open_page(strict), "csrfmiddlewaretoken": token}
    assert strict.post(VERIFY, fields).status_code == 302
    for url in (VERIFY, RESEND):
        assert stale(strict, url, next="/secret/")["Location"] == "/secret/"
    assert strict.get("/status/").json()["status"] == "verified"


def test_a_stale_form_of_a_stranger_leads_to_the_login(db: None) -> None:
    assert stale(Client(enforce_csrf_checks=True), VERIFY)["Location"] == "/login/"


def test_a_stale_disown_form_asks_anew(strict: Client) -> None:
    open_page(strict)
    token = disown_link().split("token=")[1]
    answer = stale(strict, DISOWN, token=token)
    assert answer.status_code == 403
    assert token.encode() in answer.content
    assert stale(strict, DISOWN, token="none").status_code == 403
    assert strict.get(VERIFY).status_code == 200


@pytest.mark.parametrize("url", [VERIFY, RESEND, "/otp/cancel/", DISOWN])
def test_a_program_hears_of_its_token(strict: Client, url: str) -> None:
    """A problem document of its own, which holds a token that works."""
    strict.get(VERIFY)
    answer = strict.post(url, "{}", content_type="application/json", headers=JSON)
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    token = {"x-csrftoken": answer.json()["csrf_token"], **JSON}
    again = strict.post(VERIFY, {"code": last_code()}, "application/json", headers=token)
    assert again.json()["status"] == "verified"


def test_a_token_without_a_cookie(settings: Any, strict: Client) -> None:
    """With CSRF_USE_SESSIONS a program has no cookie from which it could read the token."""
    settings.CSRF_USE_SESSIONS = True
    token = {"x-csrftoken": strict.get(VERIFY, headers=JSON).json()["csrf_token"]}
    assert strict.post(RESEND, headers={**JSON, **token}).json()["status"] == "sent"


# What leaks


def bodies(code: str) -> list[tuple[Any, str]]:
    return [
        ({"code": code, "next": "/secret/"}, "multipart/form-data; boundary=BoUnDaRyStRiNg"),
        (f"code={code}&next=/secret/", "application/x-www-form-urlencoded"),
        (json.dumps({"code": code}), "application/json"),
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["multipart", "form", "json"])
@pytest.mark.parametrize("right", [True, False])
def test_the_code_is_not_in_the_request_afterwards(
    settings: Any, held: Any, kind: int, right: bool
) -> None:
    """Error reporters and request loggers read `POST` and `body` when the view has answered."""
    settings.MIDDLEWARE = ["tests.test_own_pages.reporter", *settings.MIDDLEWARE]
    code = open_page(restarted(held))
    body, content_type = bodies(code if right else "111111")[kind]
    READ.clear()
    if kind:
        held.post(VERIFY, body, content_type=content_type)
    else:
        held.post(VERIFY, body)
    assert READ
    assert not any(code in text or "111111" in text for text in READ)


READ: list[str] = []


def reporter(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        answer = get_response(request)
        READ.append(repr(request.POST))
        try:
            READ.append(repr(request.body))
        except Exception:
            READ.append("read as a stream")
        return answer

    return middleware


def test_the_code_is_guarded_before_the_page_is_reached(settings: Any, held: Any) -> None:
    """A middleware behind the gate crashes: the report of it shows no code."""
    behind(settings, "Refuses")
    settings.ADMINS = (
        ["admin@example.com"] if _ADMINS_ARE_ADDRESSES else [("a", "admin@example.com")]
    )
    settings.LOGGING_CONFIG = None
    code = open_page(restarted(held))
    mail.outbox.clear()
    client = getattr(held, "client", held)
    client.raise_request_exception = False
    assert held.post(VERIFY, {"code": code}, headers={"x-refuse": "crash"}).status_code == 500
    [report] = [message for message in mail.outbox if "admin@example.com" in message.to]
    assert code not in report.body
    assert "********" in report.body


import django  # noqa: E402

_ADMINS_ARE_ADDRESSES = django.VERSION >= (6, 0)


def test_a_page_without_the_gate_says_so(rf: RequestFactory) -> None:
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured, match="OTPGateMiddleware"):
        verify(rf.get("/"))
