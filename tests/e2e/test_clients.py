"""htmx, Turbo and fetch: a click in a session that is no longer good leads to the code and back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.clock import Clock
from tests.e2e import clients
from tests.e2e.people import code_field, give_code, give_password
from tests.helpers import codes_sent, last_code, wrong_code
from tests.servers import lacking

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.once


@pytest.fixture(scope="module", autouse=True)
def scripts() -> None:
    """What npm has locked, installed once; nothing of it is run but by the browser."""
    lock = clients.HERE / "package-lock.json"
    there = clients.MODULES / ".package-lock.json"
    if there.exists() and there.stat().st_mtime >= lock.stat().st_mtime:
        return
    npm = shutil.which("npm")
    if npm is None:
        lacking("npm, so no htmx and no Turbo")
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=clients.HERE, check=True
    )


@pytest.fixture(autouse=True)
def pages(site: str, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.e2e.clients"
    settings.OTP_GATE = {"CODE_TTL": 60, "VERIFIED_TTL": 600}


def too_old(page: Page, clock: Clock) -> None:
    """The verification has expired, and nobody has touched the page meanwhile."""
    clock.advance(601)


def logged_in_again(page: Page, clock: Clock) -> None:
    """The password was given again in another tab, the code not yet."""
    clock.advance(61)  # The next code may be sent.
    tab = page.context.new_page()
    tab.goto("/in-again/")
    tab.close()


WAYS = [too_old, logged_in_again]

ITS_OWN = ("Applying inline style", "style-src-elem by inline", "due to turbo-visit-control")


@pytest.fixture
def turbo(page: Page, complaints: list[str]) -> Iterator[Page]:
    """A window where Turbo may do what it does anywhere: its progress bar brings a style of its
    own, and it says so when it leaves a frame as it was told to."""
    yield page
    complaints[:] = [it for it in complaints if not any(part in it for part in ITS_OWN)]


def enter(page: Page, path: str) -> None:
    """Log in with password and code, and be on a page."""
    give_password(page, to=path)
    give_code(page, last_code())
    expect(page.get_by_role("heading", name="The page of alice")).to_be_visible()
    page.wait_for_load_state()


def comes_back(page: Page, address: str, codes: int = 2) -> None:
    """See the OTP page as a whole page, with one code sent; type it, and be at this address."""
    expect(code_field(page)).to_be_visible()
    assert page.evaluate("window === window.top && document.querySelector('turbo-frame') === null")
    expect(page.get_by_role("heading", name="The page of alice")).to_have_count(0)
    # The page's own script is at work: it was loaded, and not put in place of another.
    expect(page.locator("[data-otp-gate-expires]")).to_be_visible()
    assert len(codes_sent()) == codes
    give_code(page, last_code())
    page.wait_for_url(address)
    expect(page.get_by_role("heading", name="The page of alice")).to_be_visible()


@pytest.fixture
def lenient(page: Page, complaints: list[str]) -> Iterator[Page]:
    """A window where a library may say what it says of an answer with status 403."""
    yield page
    complaints[:] = [it for it in complaints if not any(part in it for part in OF_REFUSAL)]


OF_REFUSAL = ("Applying inline style", "style-src-elem by inline", "style-src-attr", "RenderError")


@pytest.mark.parametrize("library", ["unpoly", "alpine"])
@pytest.mark.parametrize("button", ["Load", "Save"])
@pytest.mark.parametrize("spoil", WAYS)
def test_fragments(
    alice: Any,
    lenient: Page,
    site: str,
    clock: Clock,
    library: str,
    button: str,
    spoil: Callable[..., None],
) -> None:
    """A link and a form work, then lead to the code, then to the page that they are on."""
    enter(lenient, f"/{library}/page/?tab=2")
    press = lenient.get_by_text(button, exact=True)
    method = {"Load": "GET", "Save": "POST"}[button]
    press.click()
    expect(lenient.locator("#place")).to_have_text(f"{method} part of alice")
    spoil(lenient, clock)
    if library == "unpoly":
        lenient.evaluate("up.cache.evict()")  # It asks for nothing twice within 15 seconds.
    press.click()
    comes_back(lenient, f"{site}/{library}/page/?tab=2")
    press.click()
    expect(lenient.locator("#place")).to_have_text(f"{method} part of alice")


def test_a_layer_of_unpoly(alice: Any, lenient: Page, site: str, clock: Clock) -> None:
    """A link that opens a modal leads to the code as a whole page."""
    enter(lenient, "/unpoly/page/?tab=2")
    lenient.get_by_text("In a modal").click()
    expect(lenient.locator("up-modal #place")).to_have_text("GET part of alice")
    too_old(lenient, clock)
    lenient.reload()
    give_code(lenient, last_code())
    too_old(lenient, clock)
    lenient.get_by_text("In a modal").click()
    comes_back(lenient, f"{site}/unpoly/page/?tab=2", codes=3)


@pytest.mark.parametrize("library", ["htmx", "htmx4"])
@pytest.mark.parametrize("button", ["Load", "Save"])
@pytest.mark.parametrize("spoil", WAYS)
def test_htmx(
    alice: Any,
    page: Page,
    site: str,
    clock: Clock,
    library: str,
    button: str,
    spoil: Callable[..., None],
) -> None:
    """Each button works, then leads to the code, then to the page that it is on, and works again."""
    enter(page, f"/{library}/page/?tab=2")
    press = page.get_by_role("button", name=button)
    method = {"Load": "GET", "Save": "POST"}[button]
    press.click()
    expect(page.locator("#place")).to_have_text(f"{method} part of alice")
    spoil(page, clock)
    press.click()
    comes_back(page, f"{site}/{library}/page/?tab=2")
    press.click()
    expect(page.locator("#place")).to_have_text(f"{method} part of alice")


@pytest.mark.parametrize("spoil", WAYS)
def test_fetch(alice: Any, page: Page, site: str, clock: Clock, spoil: Callable[..., None]) -> None:
    """With the lines of the docs, a script does the same."""
    enter(page, "/fetch/page/?tab=2")
    press = page.get_by_role("button", name="Load")
    press.click()
    expect(page.locator("#place")).to_have_text("of alice")
    spoil(page, clock)
    press.click()
    comes_back(page, f"{site}/fetch/page/?tab=2")
    press.click()
    expect(page.locator("#place")).to_have_text("of alice")


HERE = "/turbo/page/?tab=2"
CLICKS = [
    ("link", "Other page", "/turbo/other/?page=2"),
    ("link", "Post by a link", HERE),
    ("button", "Save", HERE),
    ("link", "Into the frame", HERE),
    ("button", "Save in the frame", HERE),
]


@pytest.mark.parametrize(("role", "name", "target"), CLICKS, ids=[name for _, name, _ in CLICKS])
@pytest.mark.parametrize("spoil", WAYS)
def test_turbo(
    alice: Any,
    turbo: Page,
    site: str,
    clock: Clock,
    role: Any,
    name: str,
    target: str,
    spoil: Callable[..., None],
) -> None:
    """A link leads to the code and on to where it leads; a form or a frame, back to its page.

    But the form of a page goes on by itself where this login was verified before.
    """
    if name == "Save" and spoil is too_old:
        target = "/turbo/other/?page=saved"
    enter(turbo, HERE)
    spoil(turbo, clock)
    turbo.get_by_role(role, name=name, exact=True).click()
    comes_back(turbo, f"{site}{target}")


def test_turbo_where_all_is_well(alice: Any, turbo: Page, site: str, clock: Clock) -> None:
    """The pages above do work by Turbo: else nothing would have been shown by them."""
    enter(turbo, HERE)
    turbo.evaluate("window.same = true")
    turbo.get_by_role("link", name="Into the frame").click()
    expect(turbo.get_by_text("What is in the frame")).to_be_visible()
    turbo.get_by_role("button", name="Save", exact=True).click()
    turbo.wait_for_url(f"{site}/turbo/other/?page=saved")
    expect(turbo.get_by_text("The other page")).to_be_visible()
    assert turbo.evaluate("window.same")
    assert len(codes_sent()) == 1


def test_turbo_sends_no_code_for_a_link_under_the_pointer(
    alice: Any, turbo: Page, clock: Clock
) -> None:
    """It fetches what may be clicked next; nobody has asked for the page yet."""
    enter(turbo, HERE)
    too_old(turbo, clock)
    with turbo.expect_response("**/turbo/other/**") as fetched:
        turbo.get_by_role("link", name="Other page").hover()
    assert fetched.value.status == 403
    assert len(codes_sent()) == 1


def test_turbo_where_the_code_page_has_it_too(
    alice: Any, turbo: Page, site: str, clock: Clock, settings: Any, tmp_path: Path
) -> None:
    """A project that puts the page into a frame of its own brings its scripts along."""
    folder = tmp_path / "otp_gate"
    folder.mkdir()
    (folder / "base.html").write_text(
        "<!DOCTYPE html><html lang='en'><head><title>Ours</title>"
        "<script src='/js/turbo.js' defer></script>{% block head %}{% endblock %}</head>"
        "<body>{% block content %}{% endblock %}</body></html>"
    )
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [str(tmp_path), *engine["DIRS"]]}]
    enter(turbo, HERE)
    too_old(turbo, clock)
    turbo.get_by_role("link", name="Other page").click()
    expect(code_field(turbo)).to_be_visible()
    give_code(turbo, wrong_code())
    expect(turbo.get_by_role("alert")).to_contain_text("Invalid one-time password")
    comes_back(turbo, f"{site}/turbo/other/?page=2")


def test_a_form_of_turbo_that_step_up_keeps(
    alice: Any, turbo: Page, site: str, clock: Clock
) -> None:
    """What was typed is not typed again: after the code the form goes on, as a page."""
    enter(turbo, HERE)
    clock.advance(301)
    turbo.get_by_role("button", name="Pay").click()
    expect(code_field(turbo)).to_be_visible()
    give_code(turbo, last_code())
    expect(turbo.get_by_text("POST seven was paid")).to_be_visible()
