"""What stays open to the half-authenticated. Pure: reads the request, asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest
from django.urls import (
    NoReverseMatch,
    Resolver404,
    ResolverMatch,
    get_script_prefix,
    get_urlconf,
    resolve,
    reverse,
)
from django.utils.translation import get_language

from otp_gate.addresses import CACHED
from otp_gate.conf import GateConfig
from otp_gate.django_internals import scrub_code
from otp_gate.gate.decision import Opening

View = Callable[..., Any]

EXEMPT = "otp_gate_exempt"
"""Attribute of a view that `otp_exempt` marked; its value says whether it sees the user."""

OWN = "otp_gate_own"
"""Attribute of the gate's own pages."""

OWN_URLS = "otp_gate.urls"


RESOLVED = "otp_gate_resolved"
"""Attribute of a request: what its path resolved to; see `resolved`."""


def resolved(request: HttpRequest, path: str, urlconf: str | None) -> ResolverMatch | None:
    """Return what a path resolves to; the path of this request is resolved once.

    A request that is turned away is asked for its view, and for whether its path may be `next`.
    """
    key = path, urlconf, get_language()  # `i18n_patterns` compares with the language in force.
    known: Any = request.__dict__.get(RESOLVED)
    if known is not None and known[0] == key:
        match: ResolverMatch | None = known[1]
    else:
        match = match_of(path, urlconf)
        if path == request.path_info:
            request.__dict__[RESOLVED] = key, match
    return match


def resolve_in(request: HttpRequest, urlconf: str | None = None) -> ResolverMatch | None:
    """Return what the request's path resolves to in its own URLconf, or in another; or None."""
    if urlconf is None:
        urlconf = getattr(request, "urlconf", None) or get_urlconf() or settings.ROOT_URLCONF
    return resolved(request, request.path_info, urlconf)


def match_of(path: str, urlconf: str | None) -> ResolverMatch | None:
    """Return what a path resolves to, or None."""
    try:
        return resolve(path, urlconf)
    except Resolver404:
        return None


def is_own(view: View) -> bool:
    """True for the gate's own pages, which are open in every state."""
    return getattr(view, OWN, False) is True


def own_page(request: HttpRequest) -> ResolverMatch | None:
    """Return the own page at this path in ROOT_URLCONF, whatever URLconf the request carries."""
    prefix = own_prefix(settings.ROOT_URLCONF, get_script_prefix(), get_language())
    if prefix is None or not request.path_info.startswith(prefix):
        return None
    match = resolve_in(request, settings.ROOT_URLCONF)
    if match is not None and is_own(match.func):
        return match
    # A pattern that catches everything stands before them: they must answer all the same.
    return match_of("/" + request.path_info[len(prefix) :], OWN_URLS)


def page_due(request: HttpRequest, view: View | None = None) -> ResolverMatch | None:
    """Return the own page at this path, if without the gate's help it would not be reached.

    A middleware may redirect every logged-in user elsewhere (a new password is required), and so
    trap a login; another URLconf, or a pattern that catches everything, may lead elsewhere.
    """
    state: Any = request.otp_gate  # type: ignore[attr-defined]
    if (
        state.served
        or (view is not None and is_own(view))
        or (state.status != "half" and getattr(request, "urlconf", None) is None)
    ):
        return None
    return own_page(request)


ON_OWN_PAGE = "otp_gate_on_own_page"
"""Attribute of a request with a body that goes to an own page; see `OnOwnPage`."""


class OnOwnPage:
    """True, asked when the view is known, if the view that runs is one of the gate's own pages.

    A middleware further in may send a POST to an own page's path to another view, and a pattern
    that catches everything may stand there: the CSRF check of that view must be made.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __bool__(self) -> bool:
        match = self.request.resolver_match
        if match is None:
            return False
        return is_own(match.func) or page_due(self.request, match.func) is not None


TRAPS = frozenset({404, 405, 410, 503})
"""Statuses of a middleware that finds no page, or closes the site for maintenance."""


def is_trap(status: int) -> bool:
    """Return True if a middleware that answers so in place of an own page would trap a login.

    A refusal (401, 403, 429: a banned address, a flood) or an error stands.
    """
    return status < 400 or status in TRAPS


def opening_of(request: HttpRequest, config: GateConfig, *, at_view: bool) -> Opening:
    """Return what the view of this request is to a half-authenticated session.

    Args:
        at_view: ask the view that really runs. Before, only the path is known: another URLconf may
            stand in front of an own page by then, see `page_due`.
    """
    match = request.resolver_match if at_view else resolve_in(request)
    if match is not None and is_own(match.func):
        return Opening.OWN_PAGE
    if is_exempt(request, match, config):
        return Opening.SHOW_USER if reveals_user(match) else Opening.HIDE_USER
    if not at_view and own_page(request) is not None:
        return Opening.OWN_PAGE
    return Opening.CLOSED


@lru_cache(maxsize=CACHED)
def own_prefix(urlconf: str, script_prefix: str, language: str | None) -> str | None:
    """Return the path below which all own pages lie; asked on every request of a tenant's site."""
    try:
        url = reverse("otp_gate:verify", urlconf=urlconf)
    except NoReverseMatch:
        return None
    return url[len(script_prefix) - 1 :]


def exemption_of(view: View) -> str | None:
    """Return the mark that `otp_exempt` left on this view ("hide" or "reveal"), or None.

    `as_view` copies what is on `dispatch`. A mark on a `dispatch` that the class only inherits was
    put on another class, and does not count.
    """
    mark: str | None = getattr(view, EXEMPT, None)
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if mark is None or view_class is None or "dispatch" in vars(view_class):
        return mark
    inherited = getattr(getattr(view_class, "dispatch", None), EXEMPT, None)
    return None if inherited is mark else mark


def is_exempt(request: HttpRequest, match: ResolverMatch | None, config: GateConfig) -> bool:
    """True if this view or this path stays open."""
    if match is not None and (
        exemption_of(match.func) is not None
        or serves_static_files(match.func)
        or (config.exempt_views and naming(match, config.exempt_views) is not None)
        or asks_silently(request, match)
    ):
        return True
    return any(_is_under(request.path_info, prefix) for prefix in config.exempt_paths)


STATIC_FILES = "django.contrib.staticfiles.views"


def serves_static_files(view: View) -> bool:
    """Return True for Django's own development view of static files.

    As that function and not as a prefix: STATIC_URL may be empty or "/", which as a prefix would
    open the whole site.
    """
    if getattr(view, "__module__", None) != STATIC_FILES:
        return False
    from django.contrib.staticfiles.views import serve  # By the worker that serves such files.

    return view is serve


AUTHORIZE_VIEWS = frozenset(
    {"oauth2_provider.views.base.AuthorizationView", "oidc_provider.views.AuthorizeView"}
)


def asks_silently(request: HttpRequest, match: ResolverMatch) -> bool:
    """Return True for a request to an OAuth provider that may show no page (`prompt=none`).

    The client must get an error at its own address (OpenID Connect Core 1.0, 3.1.2.6), and only
    the provider knows which address that is. So its view runs, and sees AnonymousUser: it answers
    `login_required`, as it does to a stranger.
    """
    if "prompt=none" not in request.META.get("QUERY_STRING", "") or request.method != "GET":
        return False
    if request.GET.getlist("prompt") != ["none"]:
        return False
    ancestors = getattr(getattr(match.func, "view_class", None), "__mro__", ())
    names = {f"{item.__module__}.{item.__qualname__}" for item in ancestors}
    return not AUTHORIZE_VIEWS.isdisjoint(names)


def reveals_user(match: ResolverMatch | None) -> bool:
    """True for an exempt view that asked to see the half-authenticated user."""
    return match is not None and exemption_of(match.func) == "reveal"


def naming(match: ResolverMatch, names: tuple[str, ...]) -> str | None:
    """Return the entry of EXEMPT_VIEWS that names this view, or None."""
    spaces = [":".join(match.namespaces[: i + 1]) for i in range(len(match.namespaces))]
    entries = [f"{space}:*" for space in spaces]
    if match.url_name is not None:
        entries.append(match.view_name)
    return next((entry for entry in entries if entry in names), None)


def _is_under(path: str, prefix: str) -> bool:
    """Match whole segments; a path that is not plainly below the prefix is not exempt.

    Servers and views disagree about dots, doubled slashes, backslashes and what is still encoded,
    so such a path is never exempt, wherever it seems to lie.
    """
    if not prefix.strip("/"):
        return False
    segments = path.split("/")[1:]
    for i, segment in enumerate(segments):
        plain = unquote(segment)
        last = i == len(segments) - 1
        if (
            (plain == "" and not last)
            or plain.split(";")[0] in (".", "..")
            or any(character in plain for character in "/\\\0")
        ):
            return False
    prefix = "/" + prefix.lstrip("/")
    if prefix.endswith("/"):
        return path.startswith(prefix)
    return path == prefix or path.startswith(prefix + "/")


def scrub_unread(request: HttpRequest) -> None:
    """Take the code out of a request to an own page that no own page has read.

    A middleware may have answered or raised in its place, and Redis or the session be away.
    """
    on_own_page = request.__dict__.get(ON_OWN_PAGE)
    # A view of the site's own at that path keeps its form.
    if on_own_page is not None and (on_own_page or request.resolver_match is None):
        scrub_code(request)
