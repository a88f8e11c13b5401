"""All four POSTs are protected by the gate itself, as forms and as JSON."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.browsers import AsyncBrowser, is_in
from tests.helpers import CANCEL, DISOWN, RESEND, VERIFY, disown_link, last_code

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
