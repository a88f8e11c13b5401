"""Attacks on a form that waits for its code: what is forged must not go on, and nothing may leak."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests import views
from tests.browsers import AsyncBrowser
from tests.clock import Clock
from tests.helpers import VERIFY, last_code

FORM = {"amount": "100"}
CHECKED_INSIDE = ["checked-inside", "api"]
"""Views that Django's middleware leaves alone, and that check by themselves."""


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.kept"


@pytest.fixture(params=["wsgi", "asgi"])
def strict(request: pytest.FixtureRequest, verified: Client, clock: Clock) -> Any:
    """A browser whose code is too old for the views, on a site that checks CSRF."""
    clock.advance(100)
    views.RAN.clear()
    client = Client(enforce_csrf_checks=True)
    client.cookies = verified.cookies
    return client if request.param == "wsgi" else AsyncBrowser(client)


def token_on(client: Any, address: str) -> str:
    found = re.search(
        r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(address).content.decode()
    )
    assert found is not None
    return found[1]


def go_on(client: Any) -> Any:
    """Type the code, as the page of the step-up asks, and follow to where it leads."""
    token = token_on(client, VERIFY)
    answer = client.post(VERIFY, {"code": last_code(), "csrfmiddlewaretoken": token})
    return client.get(answer["Location"])


@pytest.mark.parametrize("view", CHECKED_INSIDE)
def test_a_forged_form_does_not_pass_the_check_of_the_view_itself(strict: Any, view: str) -> None:
    """What the person's code lets go on is refused by the view, as it would be without a gate."""
    strict.post(f"/kept/{view}/", FORM)
    assert go_on(strict).status_code == 403
    assert not views.RAN


@pytest.mark.parametrize("view", CHECKED_INSIDE)
def test_the_token_of_somebody_else_does_not_pass_it_either(strict: Any, view: str) -> None:
    """A token counts together with the cookie that it came with."""
    stranger = token_on(Client(), "/login/")
    strict.post(f"/kept/{view}/", {**FORM, "csrfmiddlewaretoken": stranger})
    assert go_on(strict).status_code == 403
    assert not views.RAN


@pytest.mark.parametrize("view", CHECKED_INSIDE)
def test_a_form_of_the_site_passes_it(strict: Any, view: str) -> None:
    """Though the code has rotated the token since."""
    strict.post(f"/kept/{view}/", {**FORM, "csrfmiddlewaretoken": token_on(strict, "/login/")})
    assert go_on(strict).status_code == 200
    assert sum(views.RAN.values()) == 1


def test_a_form_that_needed_no_check_does_not_go_on_where_one_is_due(
    strict: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view that has been put under Django's check meanwhile is not reached around it."""
    strict.post("/kept/exempt/", FORM)
    from tests.urlconfs import kept

    monkeypatch.setattr(kept.exempt, "csrf_exempt", False)
    assert go_on(strict).status_code == 302
    assert not views.RAN
