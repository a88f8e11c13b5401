"""What must hold of packages that hand out tokens: knox and djoser send signals with no login."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from tests.projects.contract import NAME, PASSWORD, admin_login

Make = Callable[[], Any]


def knox(client: Any, name: str) -> Any:
    credentials = b64encode(f"{name}:{PASSWORD}".encode()).decode()
    response = client.post("/knox/login/", headers={"authorization": f"Basic {credentials}"})
    return response, f"Token {response.json().get('token')}", "/knox/logout/"


def djoser(client: Any, name: str) -> Any:
    fields = {"username": name, "password": PASSWORD}
    response = client.post("/djoser/token/login/", fields)
    return response, f"Token {response.json().get('auth_token')}", "/djoser/token/logout/"


def bob() -> None:
    from django.contrib.auth import get_user_model

    get_user_model().objects.create_user("bob", "bob@example.org", PASSWORD)


def program_gets_no_session(ask: Callable[[Any, str], Any]) -> Callable[[Make], None]:
    """A token, no row, no cookie; and a log-out by it leaves none either."""

    def story(make: Make) -> None:
        from django.contrib.sessions.models import Session

        Session.objects.all().delete()
        client = make()
        response, token, leave = ask(client, NAME)
        assert response.status_code == 200, response.content
        assert client.post(leave, headers={"authorization": token}).status_code == 204
        assert not client.cookies, client.cookies
        assert Session.objects.count() == 0

    return story


def token_of_another_user_ends_nothing(ask: Callable[[Any, str], Any]) -> Callable[[Make], None]:
    """In Alice's verified browser, a token for Bob is asked for, and given back."""

    def story(make: Make) -> None:
        from tests.projects.crawl import type_code

        bob()
        client = make()
        admin_login(client)
        type_code(client)
        key = client.cookies["sessionid"].value
        response, token, leave = ask(client, "bob")
        assert response.status_code == 200, response.content
        assert client.get("/api/people/").status_code == 200
        client.post(leave, headers={"authorization": token})
        assert client.get("/api/people/").status_code == 200
        assert client.cookies["sessionid"].value == key

    return story


def half_session_gets_no_token(make: Make) -> None:
    """Not even for somebody else: the gate answers all that the browser sends."""
    from tests.projects.crawl import is_gate

    client = make()
    admin_login(client)
    for ask in ("/knox/login/", "/djoser/token/login/"):
        assert is_gate(client.post(ask, {"username": "bob", "password": PASSWORD})), ask


def session_of_djoser_is_held(make: Make) -> None:
    """With CREATE_SESSION_ON_LOGIN it logs in, and sends the signal of a login once more."""
    from django.core import mail
    from django.test import override_settings

    from tests.projects.crawl import is_gate, type_code

    client = make()
    with override_settings(DJOSER={"CREATE_SESSION_ON_LOGIN": True}):
        response, *_ = djoser(client, NAME)
    assert response.status_code == 200, response.content
    assert is_gate(client.get("/api/people/"))
    before = len(mail.outbox)
    type_code(client)
    assert len(mail.outbox) == before + 1
    assert client.get("/api/people/").status_code == 200


def address_is_changed_by_a_bypass(make: Make) -> None:
    """`otp_gate urls` says where the token of djoser changes the address that codes go to."""
    from io import StringIO

    from django.core.management import call_command

    told = StringIO()
    call_command("otp_gate", "urls", stdout=told)
    [line] = [one for one in told.getvalue().splitlines() if "users/me/" in one]
    assert "bypasses" in line, line


STORIES = {
    f"{what}, by {ask.__name__}": story(ask)
    for ask in (knox, djoser)
    for what, story in {
        "a program gets no session": program_gets_no_session,
        "a token of another user ends nothing": token_of_another_user_ends_nothing,
    }.items()
} | {
    "a half-authenticated session gets no token": half_session_gets_no_token,
    "a session of djoser is held": session_of_djoser_is_held,
    "the address is changed by a bypass": address_is_changed_by_a_bypass,
}
