"""What a page fetches by itself, in a real browser: previews, uploads, service workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests import views
from tests.e2e.conftest import served
from tests.helpers import PASSWORD, VERIFY, codes_sent, last_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.once


@pytest.fixture
def site(transactional_db: None, settings: Any) -> Iterator[str]:
    """A site with a page that is open and fetches what is not."""
    settings.ROOT_URLCONF = "tests.urlconfs.fetches"
    settings.LOGIN_REDIRECT_URL = "/shell/"
    with served() as url:
        yield url


@pytest.fixture
def window(site: str, alice: Any, visit: Any) -> Iterator[Page]:
    """Alice's window after the password."""
    with visit() as page:
        give_password(page)
        yield page


def give_password(page: Page) -> None:
    """Log in; the page that one arrives at is open."""
    page.goto("/login/")
    page.locator("[name=username]").fill("alice")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/shell/")
    views.RAN.clear()


def give_code(page: Page, to: str = "/shell/") -> None:
    if to == "/shell/":
        page.goto(f"{VERIFY}?next={to}")
    page.locator("[name=code]").fill(last_code())
    page.locator("[name=code]").press("Enter")
    page.wait_for_url(f"**{to}")


def test_a_preview_in_a_frame(window: Page) -> None:
    """Blank until the code is typed in, with no code sent for it; then what the site shows."""
    preview = window.frame_locator("iframe").locator("body")
    expect(window.frame_locator("iframe").locator("[name=code]")).to_have_count(0)
    expect(preview).not_to_contain_text("preview for")
    assert codes_sent() == []
    give_code(window)
    expect(preview).to_have_text("preview for alice")


@pytest.mark.parametrize("how", ["fetch", "XMLHttpRequest"])
def test_an_upload(window: Page, how: str) -> None:
    """A script is told what is due, and not led to a page that it cannot show."""
    status, redirected, told = window.evaluate("upload", how)
    assert (status, redirected) == (403, False)
    assert (told["code"], told["verify_url"]) == ("otp_required", VERIFY)
    assert not views.RAN
    assert codes_sent() == []
    give_code(window)
    expected = [200, False, {"name": "photo.jpg", "size": 3_000_000}]
    assert window.evaluate("upload", how) == expected


def test_a_service_worker(window: Page) -> None:
    """It is not installed half-authenticated; once it is there, the gate still has the last word."""
    ask = """() => new Promise((resolve) => {
      navigator.serviceWorker.onmessage = (event) => resolve(event.data);
      navigator.serviceWorker.controller.postMessage("ask");
    })"""
    assert window.evaluate("register") == "TypeError"
    give_code(window)
    assert window.evaluate("register") == "registered"
    window.wait_for_function("navigator.serviceWorker.controller !== null")
    assert window.evaluate(ask)[::2] == [200, "secret of alice"]
    # Logged out, and in again by the password alone; the worker is still there.
    window.context.clear_cookies()
    give_password(window)
    assert window.evaluate(ask)[:2] == [403, "application/problem+json"]
    # A page that the worker loads in the browser's place is led to the code all the same.
    window.goto("/secret/")
    assert window.url.endswith(f"{VERIFY}?next=/secret/")
    assert not views.RAN
    assert len(codes_sent()) == 2
    give_code(window, "/secret/")
    expect(window.locator("body")).to_have_text("secret of alice")
