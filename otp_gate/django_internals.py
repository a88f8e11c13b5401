"""Every private name of Django that the gate uses, each with its reason.

`tests/test_django_internals.py` has a test for each of them, which fails when Django changes it.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

CSRF_COOKIE = ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE")
"""Where `request.META` says that the answer sets the CSRF cookie, and to which secret."""

LOADED_USERS = ("_cached_user", "_acached_user")
"""Where a request keeps the user that AuthenticationMiddleware loaded."""


def skip_csrf_check(request: HttpRequest) -> None:
    """Let `csrf_protect` accept a request that carries no cookie which a browser would send.

    Django has no public way to decide this per request: `csrf_exempt` is decided per view.
    """
    request.csrf_processing_done = True  # type: ignore[attr-defined]


def view_options(view: Any) -> dict[str, Any]:
    """Return what was given to `as_view()`, of a class view; the frameworks keep it elsewhere."""
    found = getattr(view, "initkwargs", None) or getattr(view, "view_initkwargs", None)
    return found if isinstance(found, dict) else {}
