"""The answer that fits who asks: a page, a program, HTMX, or a browser fetching a picture."""

from __future__ import annotations

import logging
import math
from functools import cache
from itertools import product, starmap
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render, resolve_url
from django.urls import NoReverseMatch, ResolverMatch, get_script_prefix, get_urlconf, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes, http_date, url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from otp_gate.exemptions import is_own, match_of

logger = logging.getLogger("otp_gate")

FRAMES = frozenset({"embed", "fencedframe", "frame", "iframe", "object"})

PAGES_AND_PROGRAMS = FRAMES | {"", "document", "empty"}
"""`Sec-Fetch-Dest` of what can use more than a bare refusal; all else a browser fetches itself."""

SUBRESOURCES = ("image/", "text/css", "font/", "audio/", "video/")
"""How the `Accept` of the others begins where there is no `Sec-Fetch-Dest` (plain HTTP)."""

MAX_NEXT = 2000
"""Longest `next` (characters): past it, proxies and browsers cut or refuse the address."""

DOTS = frozenset({".", ".."})

NEVER_STORED = "max-age=0, no-cache, no-store, must-revalidate, private"
"""The `Cache-Control` of Django's `add_never_cache_headers`."""

HTML, JSON, HTMX, BARE = "html", "json", "htmx", "bare"


def header(request: HttpRequest, name: str) -> str:
    """Return a header ("HTTP_ACCEPT") in lower case, or "".

    From META: `request.headers` is made of all of them, for each request that looks at one.
    """
    return str(request.META.get(name, "")).lower()


def kind_of(request: HttpRequest) -> str:
    """Return HTML, JSON, HTMX or BARE: the form of answer that this client can use.

    Decided by what the client says of itself, and never by the method or by what the path
    resolves to: an unknown path must answer like a known one.
    """
    if is_ahead_of_click(request):
        return BARE
    if header(request, "HTTP_SEC_FETCH_DEST") not in PAGES_AND_PROGRAMS:
        return BARE
    if header(request, "HTTP_SERVICE_WORKER") == "script":
        return BARE
    if header(request, "HTTP_HX_REQUEST") == "true":
        return HTMX
    if wants_json(request):
        return JSON
    accept = header(request, "HTTP_ACCEPT")
    if accept.startswith(SUBRESOURCES) and "text/html" not in accept:
        return BARE
    return HTML


def wants_json(request: HttpRequest) -> bool:
    """True for `fetch`, XHR and API clients."""
    if is_turbo(request):
        return False
    accept = header(request, "HTTP_ACCEPT")
    if header(request, "HTTP_X_REQUESTED_WITH") == "xmlhttprequest":
        return True
    # A service worker that passes a page load on says `empty` of it, and a person sees the answer.
    is_page = header(request, "HTTP_SEC_FETCH_MODE") == "navigate"
    if header(request, "HTTP_SEC_FETCH_DEST") == "empty" and not is_page:
        return True
    if "text/html" in accept:
        return accept.find("json") != -1 and _prefers_json(request)
    return "json" in accept or request.content_type == "application/json"


def _prefers_json(request: HttpRequest) -> bool:
    try:
        return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    except ValueError:  # A header that Django cannot parse.
        return False


def is_turbo(request: HttpRequest) -> bool:
    """True for Hotwire Turbo, which fetches pages and puts them in place of the one it is on."""
    return (
        "HTTP_X_TURBO_REQUEST_ID" in request.META
        or "HTTP_TURBO_FRAME" in request.META
        or "text/vnd.turbo-stream.html" in header(request, "HTTP_ACCEPT")
    )


def is_ahead_of_click(request: HttpRequest) -> bool:
    """True for a prefetch or prerender: nobody has asked for the page yet."""
    # The second is Turbo's, for a script may not set the first.
    names = ("HTTP_SEC_PURPOSE", "HTTP_X_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ")
    return any("prefetch" in header(request, name) for name in names)


def is_framed(request: HttpRequest) -> bool:
    """True for a page inside a page, where nobody could type a code."""
    return header(request, "HTTP_SEC_FETCH_DEST") in FRAMES or "HTTP_TURBO_FRAME" in request.META


def page_url(name: str) -> str | None:
    """Return the path of an own page, found in ROOT_URLCONF whatever URLconf is in force."""
    url = page_in(settings.ROOT_URLCONF, name, get_script_prefix(), get_language())
    if url is None:
        logger.error('Add path("otp/", include("otp_gate.urls")) to %s', settings.ROOT_URLCONF)
    return url


@cache
def page_in(urlconf: str, name: str, script_prefix: str, language: str | None) -> str | None:
    """See `page_url`; under a script prefix, and in a language (`i18n_patterns`)."""
    try:
        return reverse(f"otp_gate:{name}", urlconf=urlconf)
    except NoReverseMatch:
        return None


def safe_next(request: HttpRequest, target: object) -> str:
    """Return `target` if it is a page of this host that may follow a verification, else "".

    Own pages and log-outs may not: the one loops, the other undoes what was just proved.
    """
    if not isinstance(target, str) or not target or len(target) > MAX_NEXT:
        return ""
    if not target.isprintable() or target != target.strip():
        # Browsers drop tabs, line breaks and outer blanks; others end a header there.
        return ""
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(target)
    path = unquote(parts.path)  # What the server will look up.
    if not parts.path.startswith("/") or "\\" in path or not DOTS.isdisjoint(path.split("/")):
        # Browsers turn backslashes round and take dots out, and ask for another path than this.
        return ""
    if path == unquote(urlsplit(settings_url("LOGIN_URL")).path):
        # Who is logged in has nothing to do there but to go on, to where the login would have led.
        return safe_next(request, dict(parse_qsl(parts.query)).get(REDIRECT_FIELD_NAME))
    prefix = get_script_prefix()
    if path.startswith(prefix):
        path = "/" + path[len(prefix) :]
    # The second is where APPEND_SLASH leads.
    paths = {path, path.removesuffix("/") + "/"}
    urlconfs = {getattr(request, "urlconf", None) or settings.ROOT_URLCONF, settings.ROOT_URLCONF}
    for match in starmap(match_of, product(paths, urlconfs)):
        if match is not None and (is_own(match.func) or is_log_out(match)):
            return ""
    return target


def is_log_out(match: ResolverMatch) -> bool:
    """True for Django's log-out view, and for what is named as it is (the admin's)."""
    view_class = getattr(match.func, "view_class", object)
    return match.url_name == "logout" or issubclass(view_class, LogoutView)


def with_next(url: str, target: str) -> str:
    """Return `url` with `?next=` where there is a target."""
    return f"{url}?{urlencode({REDIRECT_FIELD_NAME: target}, safe='/')}" if target else url


def settings_url(name: str) -> str:
    """Resolve LOGIN_URL or the like; under a tenant's URLconf its name may not be known."""
    urlconfs = get_urlconf(), settings.ROOT_URLCONF
    return resolved_in(urlconfs, getattr(settings, name), get_script_prefix(), get_language())


@cache
def resolved_in(
    urlconfs: tuple[str | None, str], value: Any, script_prefix: str, language: str | None
) -> str:
    """See `settings_url`, and `page_in`."""
    try:
        return str(resolve_url(value))
    except NoReverseMatch:
        try:
            return reverse(value, urlconf=urlconfs[1])
        except NoReverseMatch:
            return "/"


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
    return None


def turn_away(request: HttpRequest, *, comes_back: bool = True) -> HttpResponse:
    """Answer a half-authenticated request in place of the view: 302 or 403, never stored.

    Args:
        comes_back: False where the session knows what goes on after the code; see `kept`.
    """
    url = page_url("verify")
    kind = kind_of(request) if url is not None else BARE
    response: HttpResponse
    if url is None or kind == BARE:
        response = HttpResponse(status=403, content_type="text/plain")
    elif kind == HTMX:
        response = HttpResponse(status=403, content_type="text/plain")
        response["HX-Redirect"] = with_next(url, safe_next(request, current_page(request)))
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
        response = HttpResponseRedirect(with_next(url, safe_next(request, page)))
    # Nothing to merge with what a view said, as Django's `add_never_cache_headers` would.
    response.headers["Expires"] = http_date()
    response.headers["Cache-Control"] = NEVER_STORED
    return response
