"""What must hold of allauth beyond its addresses: the app client, second factors, sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.projects.contract import ADDRESS, NAME, PASSWORD, post

Make = Callable[[], Any]
APP = "/_allauth/app/v1"
OTHER_ADDRESS, OTHER_PASSWORD = "mallory@example.com", "another horse 1"

ACCOUNT: tuple[tuple[str, str, Any], ...] = (
    ("GET", f"{APP}/auth/session", None),
    ("GET", f"{APP}/account/email", None),
    ("POST", f"{APP}/account/email", {"email": OTHER_ADDRESS}),
    ("PUT", f"{APP}/account/email", {"email": OTHER_ADDRESS}),
    ("PATCH", f"{APP}/account/email", {"email": OTHER_ADDRESS, "primary": True}),
    ("DELETE", f"{APP}/account/email", {"email": ADDRESS}),
    (
        "POST",
        f"{APP}/account/password/change",
        {"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
    ),
    ("POST", f"{APP}/auth/reauthenticate", {"password": PASSWORD}),
    ("GET", f"{APP}/account/providers", None),
    ("GET", f"{APP}/account/authenticators", None),
    ("GET", f"{APP}/account/authenticators/totp", None),
    ("GET", f"{APP}/account/authenticators/recovery-codes", None),
    ("GET", f"{APP}/auth/sessions", None),
    ("DELETE", f"{APP}/auth/sessions", {"sessions": [1]}),
)
"""What the app client may do with an account: read it, take it over."""


class App:
    """A program of somebody who knows Alice's password: it keeps a token in place of cookies."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.token: str | None = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {} if self.token is None else {"x-session-token": self.token}
        content = "" if body is None else json.dumps(body)
        response = self.client.generic(method, path, content, "application/json", headers=headers)
        assert not response.cookies, response.cookies
        if response.content:
            self.token = (response.json().get("meta") or {}).get("session_token", self.token)
        return response

    def log_in(self) -> None:
        who = {"username": NAME, "password": PASSWORD}
        response = self.ask("POST", f"{APP}/auth/login", who)
        assert response.status_code == 200, response.content

    def type_code(self) -> None:
        assert self.ask("POST", "/otp/resend/", {}).status_code == 200
        response = self.ask("POST", "/otp/", {"code": last_code()})
        assert response.json()["status"] == "verified", response.content


def last_code() -> str:
    from django.core import mail

    found = re.search(r"^\s*(\d{3}) ?(\d{3})\s*$", mail.outbox[-1].body, re.MULTILINE)
    assert found is not None
    return found[1] + found[2]


def alice() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get(username=NAME)


def app_client_opens_nothing_by_the_password(make: Make) -> None:
    """Read the account, change the password, make an address one's own: nothing of it runs."""
    from allauth.account.models import EmailAddress
    from django.core import mail

    from tests.projects.crawl import RAN, is_problem

    app = App(make())
    app.log_in()
    RAN.clear()
    for method, path, body in ACCOUNT:
        assert is_problem(app.ask(method, path, body)), (method, path)
    assert RAN == []
    assert alice().email == ADDRESS
    assert alice().check_password(PASSWORD)
    assert list(EmailAddress.objects.values_list("email", flat=True)) == [ADDRESS]

    held = app.token
    app.type_code()
    assert mail.outbox[-1].to == [ADDRESS]
    assert app.token != held
    for method, path, body in ACCOUNT[:3]:
        assert app.ask(method, path, body).status_code == 200, (method, path)
    app.token = held
    assert app.ask("GET", f"{APP}/account/email").status_code in (401, 410)


def second_factor_of_allauth_comes_before_the_gate(make: Make) -> None:
    """A password and the right number of an authenticator app still leave the session held."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal import auth as totp

    from tests.projects.crawl import is_gate, type_code

    secret = totp.generate_totp_secret()
    totp.TOTP.activate(alice(), secret)
    client = make()
    post(client, "/accounts/login/", login=NAME, password=PASSWORD)
    assert "_auth_user_id" not in client.session
    number = totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
    post(client, "/accounts/2fa/authenticate/", code=totp.format_hotp_value(number))
    assert "_auth_user_id" in client.session
    for path in ("/accounts/email/", "/accounts/2fa/", "/accounts/2fa/recovery-codes/"):
        assert is_gate(client.get(path)), path
    assert is_gate(client.post("/accounts/2fa/totp/deactivate/"))
    assert is_gate(client.post("/accounts/2fa/recovery-codes/generate/"))
    assert [one.type for one in Authenticator.objects.all()] == ["totp"]
    type_code(client)
    assert client.get("/accounts/email/").status_code == 200


def other_sessions_are_signed_out(make: Make) -> None:
    """Browsers and an app, each after its code: the list has them all, and the button ends them."""
    from allauth.usersessions.models import UserSession

    from tests.projects.crawl import type_code

    UserSession.objects.all().delete()
    client, other, app = make(), make(), App(make())
    for one in (client, other):
        post(one, "/accounts/login/", login=NAME, password=PASSWORD)
        type_code(one)
        assert one.get("/accounts/email/").status_code == 200
    app.log_in()
    app.type_code()
    listed = app.ask("GET", f"{APP}/auth/sessions").json()["data"]
    assert sorted(one["is_current"] for one in listed) == [False, False, True], listed
    client.post("/accounts/sessions/")
    assert client.get("/accounts/email/").status_code == 200
    assert "/accounts/login/" in other.get("/accounts/email/")["Location"]
    assert app.ask("GET", f"{APP}/account/email").status_code in (401, 410)


STORIES = {
    "the app client opens nothing by the password": app_client_opens_nothing_by_the_password,
    "allauth's second factor comes before the gate": second_factor_of_allauth_comes_before_the_gate,
    "other sessions are signed out": other_sessions_are_signed_out,
}
