"""Every state of the pages, on every kind of screen.

SCREENSHOTS=folder keeps a picture of each, to be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.clock import Clock
from tests.e2e.people import ANOTHER, code_field, give_code, reach_code_page
from tests.helpers import disown_link, last_code, wrong_code
from tests.servers import redis_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.once

# Width, height and colours. At 200 % a window of 1280 by 800 has half as many pixels each way.
SCREENS: dict[str, tuple[int, int, Any]] = {
    "desktop": (1280, 800, "light"),
    "dark": (1280, 800, "dark"),
    "phone": (320, 640, "light"),
    "phone-dark": (320, 640, "dark"),
    "zoomed": (640, 400, "light"),
}

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Scene:
    """What it takes to bring about a state."""

    def __init__(self, page: Page, clock: Clock, settings: Any, alice: Any) -> None:
        self.page, self.clock, self.settings, self.alice = page, clock, settings, alice

    def limit(self, **limits: int) -> None:
        self.settings.OTP_GATE = {**self.settings.OTP_GATE, "FAILURES": limits}


def login(scene: Scene) -> None:
    scene.page.goto("/")


def fresh(scene: Scene) -> None:
    reach_code_page(scene.page)


def wrong(scene: Scene) -> None:
    reach_code_page(scene.page)
    give_code(scene.page, wrong_code())


def expired(scene: Scene) -> None:
    reach_code_page(scene.page)
    scene.clock.advance(61)
    give_code(scene.page, last_code())


def superseded(scene: Scene) -> None:
    reach_code_page(scene.page)
    earlier = last_code()
    scene.clock.advance(31)
    scene.page.reload()
    scene.page.get_by_role("button", name=ANOTHER).click()
    scene.page.wait_for_load_state()
    give_code(scene.page, earlier)


def used_up(scene: Scene) -> None:
    reach_code_page(scene.page)
    for left in range(4, -1, -1):
        give_code(scene.page, wrong_code())
        expect(
            scene.page.get_by_text(f"Attempts left {left}").or_(said(scene.page))
        ).to_be_visible()


def locked(scene: Scene) -> None:
    scene.limit(lock_after=1)
    wrong(scene)


def stopped(scene: Scene) -> None:
    scene.limit(stop=1)
    wrong(scene)


def no_address(scene: Scene) -> None:
    type(scene.alice).objects.update(email="")
    scene.page.goto("/")
    scene.page.get_by_label("Username").fill("alice")
    scene.page.get_by_label("Password").fill("correct horse")
    scene.page.get_by_role("button", name="Log in").click()


def disown(scene: Scene) -> None:
    reach_code_page(scene.page)
    scene.page.goto(disown_link())


def disowned(scene: Scene) -> None:
    disown(scene)
    scene.page.get_by_role("button", name="stop that sign-in").click()


def disowned_too_late(scene: Scene) -> None:
    reach_code_page(scene.page)
    give_code(scene.page, last_code())
    expect(scene.page.get_by_role("heading", name="Hello, alice")).to_be_visible()
    scene.page.goto(disown_link())
    scene.page.get_by_role("button", name="stop that sign-in").click()


def said(page: Page) -> Any:
    return page.get_by_text("Too many wrong codes")


STATES: dict[str, tuple[Callable[[Scene], None], str]] = {
    "login": (login, "Log in"),
    "fresh": (fresh, "Enter your code"),
    "wrong": (wrong, "Invalid one-time password"),
    "expired": (expired, "One-time password has expired"),
    "superseded": (superseded, "That is the code of an earlier message"),
    "used-up": (used_up, "Too many wrong codes"),
    "locked": (locked, "Codes are locked"),
    "stopped": (stopped, "ask the people who run this site to unlock it"),
    "no-address": (no_address, "We cannot send you a code"),
    "disown": (disown, "you can stop that sign-in here"),
    "disowned": (disowned, "That sign-in is stopped"),
    "disowned-too-late": (disowned_too_late, "That code has already been used"),
}


@pytest.mark.parametrize("name", STATES)
def test_every_state_fits_every_screen(
    name: str, alice: Any, page: Page, clock: Clock, settings: Any
) -> None:
    """The page says what happened, and nobody must scroll sideways to read it."""
    bring_about, words = STATES[name]
    bring_about(Scene(page, clock, settings, alice))
    expect(page.get_by_text(words).first).to_be_visible()
    assert fits_every_screen(page, name) == []


def test_a_redis_that_stopped_is_a_friendly_page(alice: Any, page: Page, settings: Any) -> None:
    """Nobody gets in meanwhile, the way out works, and nobody sees an error of the server."""
    with ExitStack() as stack:
        url = stack.enter_context(redis_server())
        settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
        reach_code_page(page)
        code = last_code()
    give_code(page, code)
    expect(page.get_by_role("heading", name="We cannot check codes right now")).to_be_visible()
    assert fits_every_screen(page, "no-redis") == []
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="We cannot check codes right now")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Username")).to_be_visible()


def fits_every_screen(page: Page, name: str) -> list[str]:
    """Return the screens that the page is too wide for, after a picture on each."""
    too_narrow = []
    for screen, (width, height, colours) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{screen}.png", full_page=True)
        if page.evaluate(SIDEWAYS) > 0:
            too_narrow.append(screen)
    return too_narrow


def test_large_letters_fit_too(alice: Any, page: Page) -> None:
    """With letters twice as large (the browser's own setting, WCAG 1.4.4) nothing is cut off."""
    reach_code_page(page)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    assert page.evaluate(SIDEWAYS) == 0
    expect(code_field(page)).to_be_in_viewport(ratio=1)
