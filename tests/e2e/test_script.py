"""What the small script adds: a countdown, and one submission at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.e2e.people import ANOTHER, code_field, give_code, reach_code_page
from tests.helpers import codes_sent, last_code, wrong_code

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

pytestmark = pytest.mark.once

# Counts what is submitted, and goes nowhere.
NEVER_ANSWERED = """() => {
  window.sent = 0;
  window.addEventListener("submit", (event) => {
    window.sent += event.defaultPrevented ? 0 : 1;
    event.preventDefault();
  });
}"""

TIME_LEFT = "[data-otp-gate-expires]"


def test_the_seconds_count_down(alice: Any, page: Page) -> None:
    """Those of the code and those until another one may be asked for."""
    page.clock.install()
    reach_code_page(page)
    expect(page.locator(TIME_LEFT)).to_have_text("1 min 0 sec")
    another = page.get_by_role("button", name=ANOTHER)
    expect(another).to_be_disabled()
    expect(page.get_by_text("You can ask for another code in 30 seconds")).to_be_visible()

    page.clock.run_for(10_000)
    expect(page.locator(TIME_LEFT)).to_have_text("50 seconds")
    expect(page.get_by_text("You can ask for another code in 20 seconds")).to_be_visible()
    expect(another).to_be_disabled()

    page.clock.run_for(20_500)
    expect(another).to_be_enabled()
    expect(page.get_by_text("You can ask for another code in")).to_be_hidden()
    expect(page.get_by_role("alert")).to_have_count(0)

    page.clock.run_for(30_000)
    expect(page.locator(TIME_LEFT)).to_have_text("0 seconds")
    expect(page.get_by_role("alert")).to_contain_text("Time is up for this code")


def test_a_laptop_that_slept_does_not_count_wrong(alice: Any, page: Page) -> None:
    """Ticks that never came are made up for: it is the clock that counts."""
    page.clock.install()
    reach_code_page(page)
    page.clock.fast_forward(45_000)
    expect(page.locator(TIME_LEFT)).to_have_text("15 seconds")
    expect(page.get_by_role("button", name=ANOTHER)).to_be_enabled()


def test_the_server_and_not_the_countdown_judges_a_code(alice: Any, page: Page) -> None:
    """Where the browser's clock runs ahead, the code is still taken."""
    page.clock.install()
    reach_code_page(page)
    page.clock.run_for(120_000)
    give_code(page, last_code())
    expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()


def test_the_script_sends_nothing_by_itself(alice: Any, page: Page) -> None:
    """Six digits in the field, and time going by, cost no attempt and no code."""
    page.clock.install()
    reach_code_page(page)
    sent = posts(page)
    code_field(page).press_sequentially(wrong_code())
    page.clock.run_for(90_000)
    assert sent == []
    assert len(codes_sent()) == 1


@pytest.mark.parametrize("name", ["Verify", "Sign out"])
def test_a_double_click_submits_once(alice: Any, page: Page, name: str) -> None:
    """Somebody's habit of double-clicking costs them one attempt, not two."""
    reach_code_page(page)
    code_field(page).fill(wrong_code())
    page.evaluate(NEVER_ANSWERED)
    page.get_by_role("button", name=name).dblclick()
    assert page.evaluate("sent") == 1


def test_after_a_double_click_the_button_works_again(alice: Any, page: Page) -> None:
    """The guard ends with the page that it guarded."""
    reach_code_page(page)
    code_field(page).fill(wrong_code())
    page.get_by_role("button", name="Verify").dblclick(no_wait_after=True)
    expect(page.get_by_role("alert")).to_contain_text("Invalid one-time password")
    give_code(page, last_code())
    expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()


def test_a_submission_that_hangs_can_be_repeated(alice: Any, page: Page) -> None:
    """While a request is on its way a click sends nothing; after five seconds one does."""
    page.clock.install()
    reach_code_page(page)
    page.evaluate(NEVER_ANSWERED)
    verify = page.get_by_role("button", name="Verify")
    code_field(page).fill(last_code())
    for expected, wait in ((1, 4_000), (1, 1_500), (2, 0)):
        verify.click()
        assert page.evaluate("sent") == expected
        page.clock.run_for(wait)


def test_back_after_the_code_shows_no_code_page(alice: Any, page: Page, site: str) -> None:
    """What the "back" button brings up is asked for anew, and the gate is behind them."""
    reach_code_page(page)
    give_code(page, last_code())
    expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Hello, alice")).to_be_visible()
    assert page.url == f"{site}/"


def test_back_after_signing_out_shows_no_code_page(alice: Any, page: Page) -> None:
    """The next person at this computer sees nothing of the one before."""
    reach_code_page(page)
    expect(page.get_by_text("alice")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Username")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Username")).to_be_visible()
    expect(page.get_by_text("alice")).to_have_count(0)


def test_the_policy_is_in_force(alice: Any, page: Page, complaints: list[str]) -> None:
    """A script in the page itself would be stopped, and these tests would hear of it."""
    reach_code_page(page)
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'it ran'";
          document.head.append(script);
        }"""
    )
    expect(page).to_have_title("Enter your code")
    assert any("policy violated: script-src" in complaint for complaint in complaints)
    complaints.clear()


def posts(page: Page) -> list[str]:
    """Collect what the page posts from now on."""
    found: list[str] = []

    def collect(request: Request) -> None:
        if request.method == "POST":
            found.append(request.url)

    page.on("request", collect)
    return found
