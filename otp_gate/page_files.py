"""The addresses of the files that the gate's pages load: their style, script and icon.

A page for the code that cannot be shown keeps every user out, after the mail has left. So a storage
that does not know a file costs the page its looks and nothing else.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from urllib.parse import quote, urljoin

from django.conf import settings
from django.templatetags.static import static

logger = logging.getLogger("otp_gate")

FILES = ("otp_gate/icon.svg", "otp_gate/verify.css", "otp_gate/verify.js")
"""All files that the pages of the gate load."""


def url_of(path: str) -> str:
    """Return the URL of a static file; the plain one below STATIC_URL if the storage has none.

    With ManifestStaticFilesStorage `static` raises where `collectstatic` has not run since the gate
    was installed.
    """
    try:
        return static(path)
    except Exception as error:  # a ValueError of Django's; another storage may raise anything
        warn(path, type(error).__name__)
        return urljoin(settings.STATIC_URL or "/", quote(path))


@lru_cache(maxsize=len(FILES))
def warn(path: str, error: str) -> None:
    """Log, once in a process, that a page has lost its looks."""
    logger.warning("Static file %s has no URL (%s): run manage.py collectstatic", path, error)


def fault_of_files() -> tuple[str, str] | None:
    """Return which files have no URL and the line to run, or None."""
    unknown = []
    for path in FILES:
        try:
            static(path)
        except Exception:  # see `url_of`
            unknown.append(path)
    if not unknown:
        return None
    return (
        f"The static files know no {', '.join(unknown)}: the page for the code is shown without "
        "its looks",
        "manage.py collectstatic",
    )
