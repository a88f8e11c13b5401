"""The answer that fits who asks: a page, a program, HTMX, or a browser fetching a picture."""

from __future__ import annotations

import logging
import math
import re
import time
from functools import lru_cache, partial
from inspect import unwrap
from itertools import takewhile
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_plus, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render, resolve_url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes, http_date, url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from otp_gate.clients import BARE, FRAGMENT, HTMX, JSON, is_fragment, is_framed, is_turbo, kind_of
from otp_gate.exemptions import CACHED, is_own, resolved

logger = logging.getLogger("otp_gate")

MAX_PARTS = 20
"""So many parts of a page are answered that a client names in a header."""

MAX_NEXT = 2000
"""Longest `next` (characters): past it, proxies and browsers cut or refuse the address."""

DOTS = frozenset({".", ".."})

NEVER_STORED = "max-age=0, no-cache, no-store, must-revalidate, private"
"""The `Cache-Control` of Django's `add_never_cache_headers`."""


class Place(NamedTuple):
    """What decides which URL a name has, at this moment. Each look at one of them costs a µs."""

    root: str
    """ROOT_URLCONF."""
    urlconf: str | None
    """The URLconf in force."""
    prefix: str
    """The script prefix."""
    language: str | None


def place() -> Place:
    return Place(settings.ROOT_URLCONF, get_urlconf(), get_script_prefix(), get_language())


def page_url(name: str, at: Place | None = None) -> str | None:
    """Return the path of an own page, found in ROOT_URLCONF whatever URLconf is in force."""
    root, _urlconf, prefix, language = at or place()
    url = page_in(root, name, prefix, language)
    if url is None:
        logger.error('Add path("otp/", include("otp_gate.urls")) to %s', settings.ROOT_URLCONF)
    return url


@lru_cache(maxsize=CACHED)
def page_in(urlconf: str, name: str, script_prefix: str, language: str | None) -> str | None:
    """See `page_url`; under a script prefix, and in a language (`i18n_patterns`)."""
    try:
        return reverse(f"otp_gate:{name}", urlconf=urlconf)
    except NoReverseMatch:
        return None


def safe_next(request: HttpRequest, target: object, at: Place | None = None) -> str:
    """Return `target` if it is a page of this host that may follow a verification, else "".

    Own pages and log-outs may not: the one loops, the other undoes what was just proved.
    """
    if not isinstance(target, str) or not target or len(target) > MAX_NEXT:
        return ""
    if not target.isprintable() or target != target.strip():
        # Browsers drop tabs, line breaks and outer blanks; others end a header there.
        return ""
    # A path needs no host to compare with, and is what most requests ask for.
    if not url_has_allowed_host_and_scheme(target, None) and not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(target)
    path = unquote(parts.path)  # What the server will look up.
    if not parts.path.startswith("/") or "\\" in path or not DOTS.isdisjoint(path.split("/")):
        # Browsers turn backslashes round and take dots out, and ask for another path than this.
        return ""
    at = at or place()
    if path == path_of(settings_url("LOGIN_URL", at)):
        # Who is logged in has nothing to do there but to go on, to where the login would have led.
        return safe_next(request, dict(parse_qsl(parts.query)).get(REDIRECT_FIELD_NAME))
    if path.startswith(at.prefix):
        path = "/" + path[len(at.prefix) :]
    # The second is where APPEND_SLASH leads.
    paths = {path, path.removesuffix("/") + "/"}
    urlconfs = {getattr(request, "urlconf", None) or at.root, at.root}
    for urlconf in urlconfs:
        for path in paths:
            match = resolved(request, path, urlconf)
            if match is not None and is_log_out_or_own(match.func, match.url_name or ""):
                return ""
    return without_login_token(target)


@lru_cache(maxsize=CACHED)
def path_of(url: str) -> str:
    """Return the path of a URL as the server looks it up."""
    return unquote(urlsplit(url).path)


@lru_cache(maxsize=CACHED)
def is_log_out_or_own(view: Any, url_name: str) -> bool:
    """Return True for a view to which no right code may lead."""
    return is_own(view) or is_log_out(view, url_name)


def is_log_out(view: Any, url_name: str) -> bool:
    """Return True for a view that a GET logs out by: known by its names, or by what it does.

    By the name of its URL, its function, its module, its class or an ancestor of the class
    (`cas_ng_logout`, `user_logout`, `LogoutInitView`); or because it logs out in any case, before
    it decides anything.
    """
    while isinstance(view, partial):
        view = view.func
    # No further than to the class: a decorator of its `dispatch` is followed by `as_view`.
    view = unwrap(view, stop=lambda item: hasattr(item, "view_class") or hasattr(item, "cls"))
    return is_log_out_view(view, url_name)


def is_log_out_view(function: Any, url_name: str) -> bool:
    """See `is_log_out`."""
    view_class = getattr(function, "view_class", None) or getattr(function, "cls", None)
    parts = [function] if view_class is None else view_class.__mro__
    names = [getattr(part, "__name__", "") for part in parts]
    modules = [str(getattr(part, "__module__", "")).rpartition(".")[2] for part in parts]
    if any(
        re.search(LOG_OUT, re.sub(CAMEL, "_", name).lower())
        for name in (url_name, *names, *modules)
    ):
        return True
    handlers = (getattr(view_class, name, None) for name in ("dispatch", "get"))
    return any(logs_out_at_once(item) for item in (function, *handlers))


CAMEL = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
LOG_OUT = r"(?<![a-z])(log|sign)[_-]?(out|off)(?![a-z])|(?<![a-z])end[_-]?session"
LOGS_OUT = frozenset({"logout", "alogout", "auth_logout", "django_logout", "flush", "aflush"})


def logs_out_at_once(function: Any) -> bool:
    """Return True for a function that logs out before its first condition."""
    code = getattr(unwrap(function), "__code__", None)
    if code is None or LOGS_OUT.isdisjoint(code.co_names):
        return False
    import dis  # By the worker that meets such a view.

    steps = takewhile(
        lambda step: "JUMP_" not in step.opname or "IF" not in step.opname,
        dis.get_instructions(code),
    )
    return any(step.argval in LOGS_OUT for step in steps if step.opname.startswith("LOAD"))


def without_login_token(target: str) -> str:
    """Return the address without a token by which django-sesame's middleware logs in.

    The user who typed the code is logged in. A second login by the same token asks for the next
    code, on browsers for which sesame leaves the token in the address (Safari) without end.
    """
    if not any(path.startswith("sesame.middleware.") for path in settings.MIDDLEWARE):
        return target
    name = getattr(settings, "SESAME_TOKEN_NAME", "sesame")
    parts = urlsplit(target)
    pairs = parts.query.split("&")
    rest = [pair for pair in pairs if unquote_plus(pair.partition("=")[0]) != name]
    return parts._replace(query="&".join(rest)).geturl() if len(rest) < len(pairs) else target


def with_next(url: str, target: str) -> str:
    """Return `url` with `?next=` where there is a target."""
    return f"{url}?{urlencode({REDIRECT_FIELD_NAME: target}, safe='/')}" if target else url


def settings_url(name: str, at: Place | None = None) -> str:
    """Resolve LOGIN_URL or the like; under a tenant's URLconf its name may not be known."""
    return resolved_in(at or place(), getattr(settings, name))


@lru_cache(maxsize=CACHED)
def resolved_in(at: Place, value: Any) -> str:
    """See `settings_url`, and `page_in`."""
    try:
        return str(resolve_url(value))
    except NoReverseMatch:
        try:
            return reverse(value, urlconf=at.root)
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
