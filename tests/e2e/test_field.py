"""The one field: keyboard, pasting, and what a screen reader is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.clock import Clock
from tests.e2e.people import ANOTHER, code_field, give_code, reach_code_page
from tests.helpers import last_code, wrong_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.once


def test_the_keyboard_alone_is_enough(alice: Any, page: Page) -> None:
    """The focus is in the field when the page opens, and Enter sends what was typed."""
    reach_code_page(page)
    expect(code_field(page)).to_be_focused()
    page.keyboard.type(wrong_code())
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Invalid one-time password")
    expect(code_field(page)).to_be_focused()
    page.keyboard.type(last_code())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()


def test_tab_goes_through_everything_that_can_be_done(alice: Any, page: Page, clock: Clock) -> None:
    """From the field to the button, to another code once it may be asked for, to signing out."""
    reach_code_page(page)
    clock.advance(31)
    page.reload()
    expect(code_field(page)).to_be_focused()
    for name in ("Verify", ANOTHER, "Sign out"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()


def test_the_focus_is_seen(alice: Any, page: Page) -> None:
    """Whatever has the focus has an outline or a shadow that it has not otherwise."""
    reach_code_page(page)
    look = "element => { const s = getComputedStyle(element); return s.outline + s.boxShadow }"
    for element in (
        code_field(page),
        page.get_by_role("button", name="Verify"),
        page.get_by_role("button", name="Sign out"),
    ):
        page.evaluate("document.activeElement.blur()")
        before = element.evaluate(look)
        page.keyboard.press("Tab")  # The browser shows a ring for those who use the keyboard.
        element.focus()
        assert element.evaluate(look) != before


@pytest.mark.parametrize(
    "form", ["{0}{1}{2} {3}{4}{5}", " {0}{1}{2}-{3}{4}{5}\t", "{0} {1} {2} {3} {4} {5}"]
)
def test_a_code_may_be_pasted_as_the_mail_shows_it(
    alice: Any, visit: Any, site: str, complaints: list[str], form: str
) -> None:
    """Neither the blanks of the mail nor those of a careless selection cut or refuse it."""
    with visit(permissions=["clipboard-read", "clipboard-write"]) as page:
        reach_code_page(page)
        code = form.format(*last_code())
        page.evaluate("text => navigator.clipboard.writeText(text)", code)
        page.keyboard.press("Control+V")
        expect(code_field(page)).to_have_value(code)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()
    assert complaints == []


def test_the_phone_is_told_what_the_field_wants(alice: Any, page: Page) -> None:
    """Digits on the keyboard, and the code offered from the message."""
    reach_code_page(page)
    field = code_field(page)
    expect(field).to_have_attribute("inputmode", "numeric")
    expect(field).to_have_attribute("autocomplete", "one-time-code")


def test_a_screen_reader_hears_what_is_pending(alice: Any, page: Page) -> None:
    """The field has its name, and says how long the code lives and how often it may be tried."""
    reach_code_page(page)
    expect(code_field(page)).to_have_accessible_name("One-time password")
    description = code_field(page).evaluate(DESCRIPTION)
    assert "Time left" in description
    assert "Attempts left 5" in description
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(code_field(page)).not_to_have_attribute("aria-invalid", "true")


def test_a_screen_reader_hears_what_went_wrong(alice: Any, page: Page) -> None:
    """The error is an alert, it stands in the title, and belongs to the field."""
    reach_code_page(page)
    give_code(page, wrong_code())
    alert = page.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(page).to_have_title("Error: Enter your code")
    expect(code_field(page)).to_have_attribute("aria-invalid", "true")
    description = code_field(page).evaluate(DESCRIPTION)
    assert "Invalid one-time password" in description
    assert "Attempts left 4" in description


# What aria-describedby leads to, in its order; an id that leads nowhere is an error here.
DESCRIPTION = """field => field.getAttribute("aria-describedby").trim().split(/\\s+/)
  .map((id) => document.getElementById(id).innerText.replace(/\\s+/g, " ")).join(" ")"""
