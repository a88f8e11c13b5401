"""What a person does in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CODE = "One-time password"
ANOTHER = "Send another code"


def give_password(page: Page, *, password: str = PASSWORD, to: str = "/") -> None:
    """Go to a page, be led to the login, and type name and password."""
    page.goto(to)
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def reach_code_page(page: Page) -> None:
    """Give the password, and see the page that asks for the code, with its script at work."""
    give_password(page)
    code_field(page).wait_for()
    page.wait_for_load_state()


def code_field(page: Page) -> Locator:
    return page.get_by_label(CODE)


def give_code(page: Page, code: str) -> None:
    """Type a code and press the button."""
    code_field(page).fill(code)
    page.get_by_role("button", name="Verify").click()
