"""Who asks: a page, a program, HTMX, or a browser that fetches a picture by itself."""

from __future__ import annotations

from django.http import HttpRequest

FRAMES = frozenset({"embed", "fencedframe", "frame", "iframe", "object"})

PAGES_AND_PROGRAMS = FRAMES | {"", "document", "empty"}
"""`Sec-Fetch-Dest` of what can use more than a bare refusal; all else a browser fetches itself."""

SUBRESOURCES = ("image/", "text/css", "font/", "audio/", "video/")
"""How the `Accept` of the others begins where there is no `Sec-Fetch-Dest` (plain HTTP)."""

HTML, JSON, HTMX, FRAGMENT, BARE = "html", "json", "htmx", "fragment", "bare"


def header(request: HttpRequest, name: str) -> str:
    """Return a header ("HTTP_ACCEPT") in lower case, or "".

    From META: `request.headers` is made of all of them, for each request that looks at one.
    """
    return str(request.META.get(name, "")).lower()


def kind_of(request: HttpRequest) -> str:
    """Return HTML, JSON, HTMX, FRAGMENT or BARE: the form of answer that this client can use.

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
    if is_fragment(request):
        return FRAGMENT
    if wants_json(request):
        return JSON
    accept = header(request, "HTTP_ACCEPT")
    if accept.startswith(SUBRESOURCES) and "text/html" not in accept:
        return BARE
    return HTML


def wants_json(request: HttpRequest) -> bool:
    """True for `fetch`, XHR and API clients."""
    if is_turbo(request) or is_fragment(request):
        return False
    accept = header(request, "HTTP_ACCEPT")
    if header(request, "HTTP_X_REQUESTED_WITH") == "xmlhttprequest":
        return True
    # A service worker that passes a page load on says `empty` of it, and a person sees the answer.
    is_page = header(request, "HTTP_SEC_FETCH_MODE") == "navigate"
    if header(request, "HTTP_SEC_FETCH_DEST") == "empty" and not is_page:
        return True
    if "text/event-stream" in accept and "text/html" not in accept:
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


def is_fragment(request: HttpRequest) -> bool:
    """True for Unpoly and alpine-ajax: they take parts out of a page, and can read nothing else."""
    return "HTTP_X_UP_VERSION" in request.META or "HTTP_X_ALPINE_REQUEST" in request.META


def is_ahead_of_click(request: HttpRequest) -> bool:
    """True for a prefetch or prerender: nobody has asked for the page yet."""
    for name in PURPOSES:
        # Looked for first: hardly any request has one of them.
        if name in request.META and any(word in header(request, name) for word in AHEAD):
            return True
    return False


PURPOSES = (
    "HTTP_SEC_PURPOSE",
    "HTTP_X_SEC_PURPOSE",  # Turbo's, because a script may not set the first.
    "HTTP_PURPOSE",
    "HTTP_X_PURPOSE",
    "HTTP_X_MOZ",
)
AHEAD = ("prefetch", "prerender", "preview")
"""What these headers say where nobody has asked for the page yet (Chromium, Safari, Firefox)."""


def accepts_page(request: HttpRequest) -> bool:
    """Return True if the client shows pages, or does not say what it accepts.

    A tab that polls in the background accepts `*/*`: it must not send a code.
    """
    accept = header(request, "HTTP_ACCEPT")
    return not accept or "text/html" in accept


def is_framed(request: HttpRequest) -> bool:
    """True for a page inside a page, where nobody could type a code."""
    return header(request, "HTTP_SEC_FETCH_DEST") in FRAMES or "HTTP_TURBO_FRAME" in request.META
