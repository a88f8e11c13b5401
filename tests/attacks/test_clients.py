"""A-27 and A-28: ways around the door by what speaks no ordinary HTTP."""

from __future__ import annotations

from typing import Any

from channels.auth import AuthMiddlewareStack
from django.test import Client

from tests import views
from tests.commands import manage
from tests.helpers import JSON, PASSWORD
from tests.sockets import HEARD, REFUSED, SITES, consumers, in_loop, knock


@in_loop
async def test_a_27_no_socket_opens_by_a_password_alone(half: Client) -> None:
    """Wherever the gate stands; and without it the socket does open, as the docs say."""
    HEARD.clear()
    for site in SITES.values():
        for path in ("/ws/", "/", "/open/", "/otp/", "/static/ws"):
            assert await knock(site(), half, path) == REFUSED
    assert not HEARD
    assert await knock(AuthMiddlewareStack(consumers()), half) == (True, "alice")


def test_a_28_no_api_opens_by_a_password_alone(half: Client, settings: Any) -> None:
    """The session is gated; what has none is named, and closed by IsVerified where that stands."""
    settings.ROOT_URLCONF = "tests.urlconfs.api"
    settings.SIMPLE_JWT = {"SIGNING_KEY": "of this test, and long enough for HS256"}
    credentials = {"username": "alice", "password": PASSWORD}
    for path in ("/api/", "/api/or/", "/api/not/", "/token/", "/pair/", "/ninja/secret/"):
        answer = half.get(path, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (403, "otp_required")
    verdicts = {line.split()[1]: line.split()[2] for line in manage("urls").out.splitlines()}
    stranger = Client()
    for name in ("token", "pair", "verified-token", "verified-pair"):
        answer = stranger.post(f"/{name}/", credentials)
        given = {"token", "access"} & set(answer.json())
        assert (verdicts[name], bool(given)) in (("bypasses", True), ("gated", False))
    key = stranger.post("/token/", credentials).json()["token"]
    access = stranger.post("/pair/", credentials).json()["access"]
    assert not views.RAN
    for credential in (f"Token {key}", f"Bearer {access}"):
        answer = stranger.get("/api/", headers={"authorization": credential})
        assert answer.status_code == 401
        assert "insufficient_user_authentication" in answer["WWW-Authenticate"]
    assert not views.RAN
