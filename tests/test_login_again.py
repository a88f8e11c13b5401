"""From the page for the code back to the login: `next` is kept, and one sentence says why."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from tests.browsers import FRAME, PREFETCH, post_json
from tests.clock import Clock
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    LOGIN,
    PASSWORD,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    open_page,
)

WANTED = "/secret/?tab=7"
WITH_NEXT = "/otp/?next=/secret/%3Ftab%3D7"
LATE = "The code was not entered in time. Please sign in again."
STOPPED = (
    "This sign-in was stopped with the link in the message with the code. Please sign in again."
)
NONE = "No sign-in is waiting for a code here. Please sign in again."


def login_of(response: Any) -> tuple[str, str]:
    """Return path and `next` of the login that an answer leads to."""
    assert response.status_code == 302
    parts = urlsplit(response["Location"])
    return parts.path, parse_qs(parts.query).get("next", [""])[0]


def told(response: Any) -> list[str]:
    """Return what the messages framework shows after this answer."""
    request = getattr(response, "asgi_request", None) or response.wsgi_request
    return [str(message) for message in get_messages(request)]


def disowned(client: Any) -> str:
    """Open the page, and stop the sign-in by the link in the mail; return the code."""
    code = open_page(client)
    Client().post(DISOWN, {"token": disown_link().partition("token=")[2]})
    return code


def test_late_code_leads_to_login_that_leads_to_wanted_page(held: Any, clock: Clock) -> None:
    """PENDING_TTL is over: password and code lead to the wanted page after all."""
    code = open_page(held)
    clock.advance(901)
    response = held.post(VERIFY, {"code": code, "next": WANTED})
    assert login_of(response) == (LOGIN, WANTED)
    assert told(response) == [LATE]
    again = {"username": "alice", "password": PASSWORD, "next": WANTED}
    assert held.post(response["Location"], again)["Location"] == WANTED
    page = held.get(held.get(WANTED)["Location"])
    form = {"code": last_code(), "next": page.context["next"]}
    assert held.post(VERIFY, form)["Location"] == WANTED


@pytest.mark.parametrize("url", [VERIFY, RESEND])
def test_every_page_keeps_next_after_timeout(half: Client, clock: Clock, url: str) -> None:
    """Also "another code", and also the address of the page alone."""
    open_page(half)
    clock.advance(901)
    assert login_of(half.get(f"{url}?next=/secret/")) == (LOGIN, "/secret/")
    assert login_of(half.post(url, {"next": "/secret/"})) == (LOGIN, "/secret/")


def test_restored_tab_leads_to_login_with_next(nobody: Any) -> None:
    """A browser restores yesterday's tab; its session has ended."""
    response = nobody.get(WITH_NEXT)
    assert login_of(response) == (LOGIN, WANTED)
    assert told(response) == [NONE]


@pytest.mark.parametrize("way", ["open", "type", "type letters", "resend", "stale token"])
def test_disowned_login_keeps_next_and_says_why(alice: Any, way: str) -> None:
    """The owner of the mailbox stopped it, perhaps by mistake."""
    client = Client(enforce_csrf_checks=way == "stale token")
    client.force_login(alice)
    code = disowned(client)
    client.handler.enforce_csrf_checks = way == "stale token"
    response = {
        "open": lambda: client.get(WITH_NEXT),
        "type": lambda: client.post(VERIFY, {"code": code, "next": WANTED}),
        "type letters": lambda: client.post(VERIFY, {"code": "abc", "next": WANTED}),
        "resend": lambda: client.post(RESEND, {"next": WANTED}),
        "stale token": lambda: client.post(VERIFY, {"code": code, "next": WANTED}),
    }[way]()
    assert login_of(response) == (LOGIN, WANTED)
    assert told(response) == [STOPPED]


def test_programs_hear_reason_and_login_url(held: Any, clock: Clock) -> None:
    """As JSON: `login_url` with `next`, `reason`, and the sentence as `detail`."""
    url = "/login/?next=/secret/%3Ftab%3D7"
    asked = {"code": open_page(held), "next": WANTED}
    clock.advance(901)
    late = post_json(held, VERIFY, asked, headers=JSON).json()
    assert (late["reason"], late["detail"], late["login_url"]) == ("timed_out", LATE, url)
    again = post_json(held, VERIFY, asked, headers=JSON).json()
    assert (again["reason"], again["detail"], again["login_url"]) == ("no_login", NONE, url)
    assert again["code"] == late["code"] == "login_required"


def test_programs_hear_of_disowned_login(half: Client) -> None:
    """The same for a login that was stopped."""
    code = disowned(half)
    body = post_json(half, VERIFY, {"code": code, "next": WANTED}, headers=JSON).json()
    assert (body["reason"], body["detail"]) == ("disowned", STOPPED)


def test_signing_out_on_purpose_keeps_nothing_and_says_nothing(half: Client) -> None:
    """Only this leads to the bare login."""
    response = half.post(CANCEL, {"next": WANTED})
    assert login_of(response) == (LOGIN, "")
    assert told(response) == []


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/otp/", "/logout/"])
def test_unsafe_next_is_not_carried_to_login(client: Client, db: None, target: str) -> None:
    """No way to another host, nor to a page that undoes the login."""
    assert login_of(client.get(VERIFY, {"next": target})) == (LOGIN, "")


def test_query_of_login_url_is_kept(client: Client, db: None, settings: Any) -> None:
    """LOGIN_URL may have a query of its own."""
    settings.LOGIN_URL = "/login/?theme=dark"
    where = client.get(WITH_NEXT)["Location"]
    assert parse_qs(urlsplit(where).query) == {"theme": ["dark"], "next": [WANTED]}


def test_login_on_another_host_is_given_whole_address(
    client: Client, db: None, settings: Any
) -> None:
    """A path alone would name a page of the login's own host."""
    settings.LOGIN_URL = "https://login.example.org/in/"
    response = client.get(WITH_NEXT)
    assert response["Location"].startswith("https://login.example.org/in/?")
    assert login_of(response) == ("/in/", "http://testserver" + WANTED)


def test_restored_tabs_say_it_once(client: Client, db: None) -> None:
    """Ten tabs open at once: one sentence on the login page, and it waits until it is shown."""
    for _ in range(3):
        client.get(WITH_NEXT)
    page = client.get("/admin/login/")
    assert page.content.decode().count(NONE) == 1


def test_sentence_speaks_language_of_page(client: Client, db: None, settings: Any) -> None:
    """It is shown by the login page, which speaks that language too."""
    settings.LANGUAGE_CODE = "de"
    assert told(client.get(WITH_NEXT)) == [
        "Hier wartet keine Anmeldung auf einen Code. Bitte melden Sie sich erneut an."
    ]


@pytest.mark.parametrize("headers", [PREFETCH, FRAME])
def test_nothing_is_said_where_nobody_looks(client: Client, db: None, headers: Any) -> None:
    """A prefetch or a frame must not leave a sentence for a page that is shown much later."""
    assert told(client.get(WITH_NEXT, headers=headers)) == []
    assert told(client.head(WITH_NEXT)) == []


@pytest.mark.parametrize("missing", ["app", "middleware"])
def test_site_without_messages_is_led_to_login_as_well(
    client: Client, db: None, settings: Any, missing: str
) -> None:
    """The messages framework is no condition."""
    if missing == "app":
        settings.INSTALLED_APPS = [
            app for app in settings.INSTALLED_APPS if app != "django.contrib.messages"
        ]
    else:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Message" not in name]
    assert client.get(WITH_NEXT)["Location"].startswith("/login/?next=")
