"""docs/integrations: what stands there as code is run here, as it stands there."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import AsyncClient, Client

from otp_gate import liveness
from tests.browsers import post_json
from tests.clock import Clock
from tests.commands import manage
from tests.helpers import JSON, PASSWORD, VERIFY, open_page
from tests.sockets import REFUSED, Socket, do, in_loop, knock
from tests.urlconfs.api import basic

FOLDER = Path(__file__).parent.parent / "docs" / "integrations"
CREDENTIALS = {"username": "alice", "password": PASSWORD}


def blocks(page: str, language: str) -> list[str]:
    text = (FOLDER / f"{page}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def follow(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Do what a page says: its code is the URLconf of the site."""

    def do_so(page: str) -> ModuleType:
        module = ModuleType(f"docs_integrations_{page}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        for block in blocks(page, "python"):
            exec(compile(block, f"{page}.md", "exec"), module.__dict__)  # noqa: S102
        settings.ROOT_URLCONF = module.__name__
        settings.LOGIN_URL = "/login/"
        return module

    return do_so


def test_drf(
    follow: Any, settings: Any, verified: Client, half: Client, client: Client, clock: Clock
) -> None:
    """Account, step-up, and three ways to a token; and what the table says of the refusals."""
    follow("drf")
    settings.SIMPLE_JWT = {"SIGNING_KEY": "of this test, and long enough for HS256"}
    assert half.get("/api/account/", headers=JSON).json()["code"] == "otp_required"
    assert verified.get("/api/account/").json() == {"account": "alice"}
    assert verified.post("/api/transfer/").json() == {"transferred": True}
    assert set(verified.post("/api/own-token/").json()) == {"refresh", "access"}
    assert "access" in verified.post("/api/token/", CREDENTIALS).json()
    assert "token" in verified.post("/api/auth-token/", CREDENTIALS).json()
    for path in ("token", "auth-token", "own-token"):
        assert client.post(f"/api/{path}/", CREDENTIALS).status_code in (401, 403)
    answer = client.get("/api/account/", headers=basic("alice", PASSWORD))
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_user_authentication"'
    clock.advance(301)
    answer = verified.post("/api/transfer/")
    assert (answer.status_code, answer.json()["verify_url"]) == (403, VERIFY)
    verdicts = [line.split()[2] for line in manage("urls").out.splitlines()]
    assert "bypasses" not in verdicts


def test_ninja(follow: Any, half: Client, verified: Client, clock: Clock) -> None:
    """An operation, and one with a step-up."""
    follow("ninja")
    assert half.get("/api/account/", headers=JSON).json()["code"] == "otp_required"
    assert verified.get("/api/account/").json() == {"account": "alice"}
    assert verified.post("/api/transfer/?amount=7").json() == {"transferred": 7}
    assert verified.post("/api/close/").json() == {"closed": True}
    token = Client().get("/api/account/", headers={"authorization": "Bearer alice"})
    assert (token.status_code, token.json()["code"]) == (401, "otp_required")
    clock.advance(301)
    answer = post_json(verified, "/api/transfer/?amount=7")
    assert (answer.status_code, answer.json()["code"]) == (403, "otp_required")
    assert post_json(verified, "/api/close/").json()["verify_url"] == VERIFY
    assert "bypasses" not in manage("urls").out


def test_sesame(follow: Any, settings: Any, verified: Client, alice: Any) -> None:
    """A link opens the view together with the code of its user, and with no other code."""
    from sesame.utils import get_query_string

    follow("sesame")
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "sesame.backends.ModelBackend",
    ]
    assert "bypasses" not in manage("urls").out
    assert verified.get("/report/" + get_query_string(alice)).content == b"report of alice"
    assert Client().get("/report/" + get_query_string(alice)).status_code != 200


def test_graphql(follow: Any, half: Client, verified: Client, clock: Clock) -> None:
    """The view, its step-up, and the document to the letter."""
    follow("graphql")
    query = {"query": "{ account }"}
    [document] = blocks("graphql", "json")
    assert post_json(half, "/graphql/", query).json() == json.loads(document)
    for path in ("/graphql/", "/graphql/transfer/"):
        assert post_json(verified, path, query).json()["data"] == {"account": "alice"}
    transfer = {"query": "mutation { transfer(amount: 7) }"}
    assert post_json(verified, "/graphql/", transfer).json()["data"] == {"transfer": 7}
    clock.advance(301)
    [error] = post_json(verified, "/graphql/", transfer).json()["errors"]
    assert error["extensions"] == {"code": "otp_required", "verify_url": VERIFY}
    assert post_json(verified, "/graphql/transfer/", query).json() == json.loads(document)
    assert verified.post(VERIFY, {"code": open_page(verified)}).status_code == 302
    assert post_json(verified, "/graphql/transfer/", query).status_code == 200


@in_loop
async def test_channels(follow: Any, half: Client, verified: Client) -> None:
    """Both applications: refused, open, closed."""
    module = await do(follow)("channels")
    for app, answer in (
        (module.application, "alice: hello"),
        (module.plain_application, "hello"),
    ):
        path = "/ws/chat/"
        assert await knock(app, half, path) == REFUSED
        socket = Socket(app, verified, path)
        assert (await socket.connect())[0]
        assert await socket.says("hello") == answer
        await socket.leave()
    socket = Socket(module.application, verified, "/ws/chat/")
    await socket.connect()
    await do(verified.logout)()
    await socket.say("secret")
    assert await socket.closed() == 4403


@in_loop
async def test_streams(
    follow: Any, verified: Client, averified: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events end with the session."""
    monkeypatch.setattr(liveness, "FRESH", -1.0)
    await do(follow)("streams")
    response: Any = await averified.get("/events/")
    events = aiter(response.streaming_content)
    assert await anext(events) == b"data: 1\n\n"
    await do(verified.logout)()
    assert [event async for event in events] == []


def test_report_by_itself(follow: Any, verified: Client) -> None:
    """On WSGI, to its end."""
    follow("streams")
    assert b"".join(verified.get("/report/").streaming_content) == b"0\n1\n2\n"


@pytest.mark.parametrize("page", sorted(path.stem for path in FOLDER.glob("*.md")))
def test_every_link_between_the_pages_leads_somewhere(page: str) -> None:
    """And the language of each block is one that is run: here, or in a browser."""
    text = (FOLDER / f"{page}.md").read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (FOLDER / target).exists(), target
    assert set(re.findall(r"^```(\w+)$", text, re.MULTILINE)) <= {"python", "json", "js", "html"}
