"""The answer that fits who asks: a page, a program, HTMX, or a browser fetching a picture."""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes, http_date
from django.utils.translation import gettext as _

from otp_gate.addresses import page_url, place, with_next
from otp_gate.clients import BARE, FRAGMENT, HTMX, JSON, is_fragment, is_framed, is_turbo, kind_of
from otp_gate.next_page import safe_next

MAX_PARTS = 20
"""So many parts of a page are answered that a client names in a header."""

NEVER_STORED = "max-age=0, no-cache, no-store, must-revalidate, private"
"""The `Cache-Control` of Django's `add_never_cache_headers`."""


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    retry_after: float | None = None,
    **extra: Any,
) -> HttpResponse:
    """Return a problem document (RFC 9457); `code` is for programs, `detail` for people."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    response = JsonResponse(body | extra, status=status, content_type="application/problem+json")
    if retry_after is not None:
        response["Retry-After"] = str(math.ceil(retry_after))
    add_never_cache_headers(response)
    return response


def current_page(request: HttpRequest) -> str:
    """Return path and query of the page that an HTMX request came from, whatever its host."""
    try:
        url = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return url._replace(scheme="", netloc="", fragment="").geturl()


def referring_page(request: HttpRequest) -> str:
    """Return path and query of the page of this host that led here, or ""."""
    target = safe_next(request, request.META.get("HTTP_REFERER", ""))
    # Again: a path of this host may, without it, be the address of another ("//evil.example/").
    return safe_next(request, urlsplit(target)._replace(scheme="", netloc="", fragment="").geturl())


def address_of(request: HttpRequest) -> str:
    """Return path and query of this request, as an address that leads to no other host."""
    return escape_leading_slashes(request.get_full_path())


def page_to_return_to(request: HttpRequest) -> str:
    """Return the page that whoever is sent to the OTP page by a redirect wants in the end."""
    if request.method == "GET" and not is_framed(request):
        return request.get_full_path()
    # Turbo is on a page still, to which a form or a frame belongs.
    return referring_page(request) if is_turbo(request) else ""


def unseen(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a GET of the OTP page by which nobody would get to see it.

    Turbo is told to load it as a page: in a frame there is no place for it, and where it were put
    in place of another page, under its scripts and policy, it would not be the one that was tested.
    """
    if kind_of(request) == BARE:
        return HttpResponse(status=403, content_type="text/plain")
    if is_turbo(request):
        return render(request, "otp_gate/turbo.html", {"page_url": request.get_full_path()})
    if is_fragment(request):
        return whole_page(request, address_of(request))
    return None


def whole_page(request: HttpRequest, url: str) -> HttpResponse:
    """Tell Unpoly and alpine-ajax to load this address as a page: 403, with a way on in each part.

    Neither has a header for it, and where a part of the OTP page were put in place of another, it
    would be under the scripts and the policy of that page. A `meta refresh` needs no script: the
    HTML standard obeys it wherever it is inserted. alpine-ajax looks for the ids that it names;
    Unpoly falls back to the main element.
    """
    ids = request.META.get("HTTP_X_ALPINE_TARGET", "").split()[:MAX_PARTS]
    context = {"page_url": url, "ids": ids}
    return render(None, "otp_gate/whole_page.html", context, status=403)


@lru_cache(maxsize=1)
def date_of(second: int) -> str:
    """Return a moment (seconds since the epoch) as HTTP writes it."""
    return http_date(second)


def turn_away(request: HttpRequest, *, comes_back: bool = True) -> HttpResponse:
    """Answer a half-authenticated request in place of the view: 302 or 403, never stored.

    Args:
        comes_back: False where the session knows what goes on after the code; see `kept`.
    """
    at = place()
    url = page_url("verify", at)
    kind = kind_of(request) if url is not None else BARE
    response: HttpResponse
    if url is None or kind == BARE:
        response = HttpResponse(status=403, content_type="text/plain")
    elif kind == HTMX:
        response = HttpResponse(status=403, content_type="text/plain")
        response["HX-Redirect"] = with_next(url, safe_next(request, current_page(request)))
    elif kind == FRAGMENT:
        response = whole_page(request, with_next(url, referring_page(request)))
    elif kind == JSON:
        response = problem(
            403,
            "otp_required",
            _("One-time password required"),
            _("Type in the code that was sent to you, at verify_url, then try again."),
            verify_url=url,
        )
    else:
        page = page_to_return_to(request) if comes_back else ""
        response = HttpResponseRedirect(with_next(url, safe_next(request, page, at)))
    # Nothing to merge with what a view said, as Django's `add_never_cache_headers` would.
    response.headers["Expires"] = date_of(int(time.time()))
    response.headers["Cache-Control"] = NEVER_STORED
    return response
