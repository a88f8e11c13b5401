"""The demo site in this process, and a real Chromium that looks at it.

In this process, so that a test can read the mail and let time pass without waiting for it.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.servers import MISSING, lacking

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

if find_spec("playwright") is None:
    MISSING.add("Playwright, so no browser test")
    if os.environ.get("OTP_GATE_REQUIRE_REAL") == "1":
        raise pytest.UsageError("OTP_GATE_REQUIRE_REAL=1, and there is no Playwright")
    collect_ignore_glob = ["test_*.py"]

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`);
});
"""

# The browser's own word on a 4xx or 5xx page, which some of the pages here rightly are.
NO_COMPLAINT = "Failed to load resource: the server responded with a status of"

Visit = Callable[..., Any]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A browser; closed before other tests run, for they may want an event loop of their own."""
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if executable is None:
        lacking("Chromium")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps a loop in this thread, so Django would refuse it the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", *QUIET],
            # Playwright turns off what a "back" button may bring up again.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture
def site(transactional_db: None, settings: Any) -> Iterator[str]:
    """The demo site as it is, behind a strict Content-Security-Policy; gives its address."""
    from site_project import settings as demo

    for name in ("ROOT_URLCONF", "TEMPLATES", "STATICFILES_DIRS", "OTP_GATE", "LOGIN_URL"):
        setattr(settings, name, getattr(demo, name))
    settings.LOGIN_REDIRECT_URL = demo.LOGIN_REDIRECT_URL
    settings.LOGOUT_REDIRECT_URL = demo.LOGOUT_REDIRECT_URL
    settings.MIDDLEWARE = ["tests.e2e.policy.strict_policy", *demo.MIDDLEWARE]
    with served() as url:
        yield url


@contextmanager
def served() -> Iterator[str]:
    """Serve the site that the settings describe by now; give its address."""
    server = LiveServer("127.0.0.1")
    others = set(threading.enumerate())
    yield server.url
    for connection in set(threading.enumerate()) - others:
        connection.join(timeout=5)  # Each gives its database back, as long as the site runs.
    server.stop()


@pytest.fixture
def complaints() -> list[str]:
    """What a page broke: exceptions of its scripts, and the policy."""
    return []


@pytest.fixture
def visit(chromium: Browser, site: str, complaints: list[str]) -> Iterator[Visit]:
    """Make a new browser window of one's own: a context with cookies of its own."""

    @contextmanager
    def window(**options: Any) -> Iterator[Page]:
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        context = chromium.new_context(base_url=site, **options)
        context.set_default_timeout(15_000)
        context.add_init_script(REPORT_VIOLATIONS)

        def listen(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and NO_COMPLAINT not in message.text:
                complaints.append(message.text)

        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        try:
            yield context.new_page()
        finally:
            context.close()

    return window


@pytest.fixture
def page(visit: Visit, complaints: list[str]) -> Iterator[Page]:
    """A window on a desktop. In the end, no page may have broken anything."""
    with visit() as window:
        yield window
    assert complaints == []
