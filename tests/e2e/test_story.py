"""The tutorial's story, row by row, as a person sees it on the demo site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.clock import Clock
from tests.e2e.people import ANOTHER, code_field, give_code, give_password
from tests.helpers import codes_sent, last_code, wrong_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.once


def test_the_tutorial_row_by_row(alice: Any, page: Page, site: str, clock: Clock) -> None:
    """Wrong password, right password, wrong code, late code, right code, out, and asked again."""
    give_password(page, password="wrong")
    expect(page.get_by_text("Invalid username or password")).to_be_visible()

    give_password(page)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    expect(page.get_by_text("Hello, alice")).to_have_count(0)
    page.goto("/")
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    assert len(codes_sent()) == 1

    give_code(page, wrong_code())
    expect(page.get_by_role("alert")).to_contain_text("Invalid one-time password")

    clock.advance(61)
    give_code(page, last_code())
    expect(page.get_by_role("alert")).to_contain_text("One-time password has expired")

    page.get_by_role("button", name=ANOTHER).click()
    give_code(page, last_code())
    expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()
    assert page.url == f"{site}/"

    page.get_by_role("button", name="Log out").first.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    give_password(page)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    give_code(page, codes_sent()[-2])
    expect(page.get_by_text("Hello, alice")).to_have_count(0)


def test_a_person_comes_back_to_the_page_they_wanted(alice: Any, page: Page, site: str) -> None:
    """The address goes along through password, wrong code and right code."""
    give_password(page, to="/step-up/?from=mail")
    give_code(page, wrong_code())
    give_code(page, last_code())
    expect(page.get_by_role("heading", name="Something sensitive")).to_be_visible()
    assert page.url == f"{site}/step-up/?from=mail"


def test_an_exempt_page_stays_open_and_sees_nobody(alice: Any, page: Page) -> None:
    """Between password and code the about page greets a stranger."""
    give_password(page)
    expect(code_field(page)).to_be_visible()
    page.goto("/about/")
    expect(page.get_by_role("heading", name="Hello, anonymous")).to_be_visible()


def test_signing_out_of_the_code_page_leads_to_the_login(alice: Any, page: Page, site: str) -> None:
    """Nobody is trapped between password and code."""
    give_password(page)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/")
    page.goto("/otp/")
    expect(page.get_by_label("Username")).to_be_visible()


def test_the_whole_story_without_javascript(
    alice: Any, visit: Any, clock: Clock, complaints: list[str]
) -> None:
    """Wrong, too early for another, late, another, right: the script only decorates."""
    with visit(java_script_enabled=False) as page:
        give_password(page)
        expect(page.get_by_text("60 seconds")).to_be_visible()
        give_code(page, wrong_code())
        expect(page.get_by_role("alert")).to_contain_text("Invalid one-time password")
        page.get_by_role("button", name=ANOTHER).click()
        expect(page.get_by_role("alert")).to_contain_text("Please wait")
        clock.advance(61)
        give_code(page, last_code())
        expect(page.get_by_role("alert")).to_contain_text("One-time password has expired")
        page.get_by_role("button", name=ANOTHER).click()
        give_code(page, last_code())
        expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()
    assert len(codes_sent()) == 2
    assert complaints == []
