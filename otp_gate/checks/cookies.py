"""The cookies of the site reach the gate's own pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from otp_gate.addresses import page_url

W_COOKIE_PATH = "otp_gate.W016"


def check_cookies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A browser sends the session cookie and the CSRF cookie to the pages of the gate."""
    try:
        page = page_url("verify")
    except Exception:  # check_urls fails in the same way, and tells of it
        page = None
    if page is None:
        return []  # E004 tells of it.
    return [
        checks.Warning(
            f"{name} is {path!r}, and a browser sends no such cookie to {page}: {consequence}.",
            hint=f'{name} = "/"; or put the pages below it: '
            f'path("{path.strip("/")}/otp/", include("otp_gate.urls")). If the whole site lies '
            f"below {path!r} and its server says so (SCRIPT_NAME), set FORCE_SCRIPT_NAME.",
            id=W_COOKIE_PATH,
        )
        for name, path, consequence in cookie_paths()
        if not covers(path, page)
    ]


def cookie_paths() -> Iterator[tuple[str, str, str]]:
    """Give the settings that count: name, value, and what happens if the path is a wrong one."""
    yield (
        "SESSION_COOKIE_PATH",
        settings.SESSION_COOKIE_PATH,
        "after the password people are led to the login again, without end",
    )
    if not settings.CSRF_USE_SESSIONS:
        yield "CSRF_COOKIE_PATH", settings.CSRF_COOKIE_PATH, "no code is ever accepted there"


def covers(path: str, page: str) -> bool:
    """Return True if a browser sends a cookie of this path to a page (RFC 6265, section 5.1.4)."""
    return not path or page == path or page.startswith(path.rstrip("/") + "/")
