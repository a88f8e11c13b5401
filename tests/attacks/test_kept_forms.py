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


# Addresses

ELSEWHERE = "//evil.example/"
"""A path of this host; as an address in a redirect it is another host."""


def test_a_token_leads_to_no_other_host(verified: Client) -> None:
    """Whoever shows one that is worth nothing is led to the same page of the same host."""
    response = verified.get("/", PATH_INFO=ELSEWHERE, QUERY_STRING="otp_gate_resume=x&a=1")
    assert (response.status_code, response["Location"]) == (302, "/%2Fevil.example/?a=1")


def test_a_kept_form_leads_to_no_other_host(verified: Client, clock: Clock) -> None:
    """Nor is its token told there; and it goes on where it was sent to."""
    clock.advance(100)
    verified.post("/", FORM, PATH_INFO=ELSEWHERE)
    verified.get(VERIFY)
    way = verified.post(VERIFY, {"code": last_code()})["Location"]
    assert way.startswith("/%2Fevil.example/?otp_gate_resume=")
    query = way.partition("?")[2]
    told = verified.get("/", PATH_INFO=ELSEWHERE, QUERY_STRING=query).json()
    assert (told["method"], told["fields"]) == ("POST", {"amount": ["100"]})


def test_the_way_back_leads_to_no_other_host(verified: Client, clock: Clock) -> None:
    """Where the page with the form had such a path."""
    clock.advance(100)
    verified.post(
        "/kept/small/", {"a": "x" * 1001}, headers={"referer": f"http://testserver{ELSEWHERE}"}
    )
    verified.get(VERIFY)
    assert verified.post(VERIFY, {"code": last_code()})["Location"] == "/"


# Two tabs


def fields_on(page: Any) -> dict[str, str]:
    """Return what the form of the page would send without the code."""
    form = page.content.decode().partition(f'action="{VERIFY}"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_an_older_tab_lets_no_other_form_go_on(held_by_age: Any) -> None:
    """Who types the code under the words for one form must not set off another; he is told."""
    held_by_age.post("/kept/function/", {"amount": "first"})
    older = fields_on(held_by_age.get(VERIFY))
    held_by_age.post("/kept/class/", {"amount": "second"})
    page = held_by_age.post(VERIFY, {**older, "code": last_code()})
    assert page.status_code == 200
    assert "is dropped: only this one goes on." in page.content.decode()
    assert not views.RAN
    # Nothing was used up: the page now speaks of the other one, and its code is the same.
    answer = held_by_age.post(VERIFY, {**fields_on(page), "code": last_code()})
    told = held_by_age.get(answer["Location"]).json()
    assert (told["path"], told["fields"]) == ("/kept/class/", {"amount": ["second"]})


def test_a_tab_that_spoke_of_no_form_lets_none_go_on(held_by_age: Any) -> None:
    """Its page was opened before there was one."""
    held_by_age.get("/kept/class/", headers={"sec-fetch-dest": "iframe"})
    older = fields_on(held_by_age.get(VERIFY))
    held_by_age.post("/kept/function/", FORM)
    page = held_by_age.post(VERIFY, {**older, "code": last_code()})
    assert page.status_code == 200
    assert "What you sent is kept." in page.content.decode()


def test_a_tab_that_comes_after_the_code_lets_no_other_form_go_on(held_by_age: Any) -> None:
    """The code has been typed in elsewhere meanwhile."""
    held_by_age.post("/kept/function/", {"amount": "first"})
    older = fields_on(held_by_age.get(VERIFY))
    held_by_age.post("/kept/class/", {"amount": "second"})
    newer = fields_on(held_by_age.get(VERIFY))
    way = held_by_age.post(VERIFY, {**newer, "code": last_code()})["Location"]
    assert held_by_age.post(VERIFY, {**older, "code": "000000"})["Location"] == "/"
    assert held_by_age.get(way).json()["fields"] == {"amount": ["second"]}


@pytest.fixture
def held_by_age(passed: Any, clock: Clock) -> Any:
    """Alice's browser, whose code was typed in longer ago than the views like."""
    clock.advance(100)
    views.RAN.clear()
    return passed
