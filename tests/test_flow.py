"""The README's story, told once: password, code, in; and again after logging out."""

from __future__ import annotations

from typing import Any

from django.core import mail
from django.test import Client

from tests.clock import Clock
from tests.helpers import VERIFY, last_code, log_in, open_page, wrong_code


def test_the_story(alice: Any, client: Client, clock: Clock) -> None:
    """A wrong code, a late code, the right code; after logging out it is asked for again."""
    assert client.post("/login/", {"username": "alice", "password": "no"}).status_code == 200
    log_in(client)

    response = client.get("/secret/?page=2")
    assert response.status_code == 302
    assert response["Location"] == "/otp/?next=/secret/%3Fpage%3D2"

    page = client.get(response["Location"])
    assert page.status_code == 200
    assert mail.outbox[0].to == ["alice@example.org"]
    assert last_code() not in page.content.decode()

    response = client.post(VERIFY, {"code": wrong_code()})
    assert "Invalid one-time password" in response.content.decode()

    clock.advance(301)
    response = client.post(VERIFY, {"code": last_code()})
    assert "One-time password has expired" in response.content.decode()
    assert client.get("/secret/").status_code == 302

    code = open_page(client)
    response = client.post(VERIFY + "?next=/secret/%3Fpage=2", {"code": code})
    assert response.status_code == 302
    assert response["Location"] == "/secret/?page=2"
    assert client.get("/secret/").content == b"secret of alice"

    client.post("/logout/")
    log_in(client)
    assert client.get("/secret/").status_code == 302
    response = client.post(VERIFY, {"code": code})
    assert client.get("/secret/").status_code == 302
