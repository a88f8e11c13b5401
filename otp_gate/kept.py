"""A request that step-up refuses is kept, and goes on, once, when its code has been typed in.

The session holds a token, a key and what the person is told; Redis holds the request itself,
sealed with that key. After the code the browser is led back to the address of the request with
the token in the query, and the gate makes of that GET the request that was.

A kept request must be nothing that another site made a browser send. So it is kept only where
Django has checked its CSRF token, or would have; and the token that brings it back is known to
this session alone, used up by the first who shows it, and void without a fresh code.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import add_never_cache_headers

from otp_gate import bodies, codes, session, store
from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.responses import HTML, is_framed, kind_of, referring_page
from otp_gate.state import RESUME, GateState, Kept, may_resume

logger = logging.getLogger("otp_gate")

MAX_BODY = 2_621_440
"""Bytes of a request that are kept: as many as Django takes into memory by default (2.5 MB)."""

MAX_KEPT = 4
"""So many kept requests of one user, over all sessions; the oldest makes room."""

# What a person is told, before the code is typed in.
WAITS, TOO_LARGE, LOST = "waits", "too_large", "lost"


def may_be_kept(request: HttpRequest) -> bool:
    """True for a form that a person has filled in on a page.

    A program and HTMX hold on to what they sent, and can send it again.
    """
    return request.method in bodies.METHODS and kind_of(request) == HTML and not is_framed(request)


def keep(request: HttpRequest, max_age: int | None, max_body: int) -> None:
    """Keep a request until the code is typed in; where that cannot be, remember what to say."""
    note, token, key = WAITS, codes.new_token(), codes.new_key()
    user_id: str = request.otp_gate.user_id  # type: ignore[attr-defined]
    length = bodies.declared_length(request)
    packed = None
    if (length or 0) > max_body:
        note = TOO_LARGE
    elif not is_checked(request) or (packed := bodies.pack(request)) is None:
        note = LOST
    elif length is None and len(packed) > max_body:
        note = TOO_LARGE
    else:
        try:
            store.run(
                store.KEEP,
                [key_for(user_id)],
                [
                    codes.token_digest(token),
                    codes.seal(packed, key),
                    gate_config().pending_ttl * 1000,
                    MAX_KEPT,
                ],
            )
        except StoreUnavailable as error:
            logger.error("Not kept: %s", error)
            note = LOST
    before = Kept.of(session.read(request.session))
    way = request.get_full_path() if note == WAITS else referring_page(request)
    dropped = before is not None and before.waits
    kept = Kept(note, place_of(request), way, token, key, user_id, max_age, dropped)
    session.keep(request.session, kept)
    if before is not None and dropped:
        discard(before)


def is_checked(request: HttpRequest) -> bool:
    """True unless another site may have sent it.

    Where the site has the middleware, it has checked by now (or the view said that it needs no
    check). Where it has not, a view further in may do it, or nobody: then the gate does.
    """
    if getattr(request, "csrf_processing_done", False):
        return True
    view: Any = request.resolver_match.func  # type: ignore[union-attr]
    check = CsrfViewMiddleware(lambda request: HttpResponse())
    check.process_request(request)
    refused = check.process_view(request, view, (), {})
    # Asked by the way: the view's own check must still be made.
    request.__dict__.pop("csrf_processing_done", None)
    return refused is None


def way_on(request: HttpRequest) -> str:
    """Return where somebody goes on whose code was right; "" if nothing was kept or lost."""
    kept = Kept.of(session.read(request.session))
    if kept is None:
        return ""
    if not kept.waits:
        session.keep(request.session, None)
        return kept.way
    return f"{kept.way}{'&' if '?' in kept.way else '?'}{RESUME}={kept.token}"


def resume(request: HttpRequest) -> HttpResponse | None:
    """Make of a request with a token the one that was kept; or lead it to its bare address.

    Raises:
        StoreUnavailable: Redis did not answer; the same address may be tried again.
    """
    state: GateState = request.otp_gate  # type: ignore[attr-defined]
    if state.status != "verified" or request.method != "GET" or not may_resume(request):
        return None
    token = request.GET.get(RESUME, "")
    kept = Kept.of(session.loaded(request.session))
    packed = None
    if kept is not None and fits(kept, request, token, state):
        packed = take(kept)
        session.keep(request.session, None)
    if packed is None:
        return to_bare_address(request)
    bodies.restore(request, packed)
    state.resumed = True
    # It was checked before it was kept; its CSRF token has been rotated since, with the code.
    request.csrf_processing_done = True  # type: ignore[attr-defined]
    # The page cache has this for the GET that it was.
    request._cache_update_cache = False  # type: ignore[attr-defined]
    logger.info("Goes on: user %s", state.user_id)
    return None


def to_bare_address(request: HttpRequest) -> HttpResponse:
    """Lead a token that is used up, or never was one, out of the address.

    A reload of the answer must neither run the view again nor show it a token.
    """
    drop_token(request)
    response = HttpResponseRedirect(request.get_full_path())
    add_never_cache_headers(response)
    return response


def drop_token(request: HttpRequest) -> None:
    parts = request.META["QUERY_STRING"].split("&")
    rest = [part for part in parts if not part.startswith(f"{RESUME}=")]
    request.META["QUERY_STRING"] = "&".join(rest)
    request.__dict__.pop("GET", None)


def spent(request: HttpRequest) -> HttpResponse | None:
    """Answer a token that has done its work, or never had any; None where there is none."""
    state: GateState | None = getattr(request, "otp_gate", None)
    if not may_resume(request) or state is None or state.resumed:
        return None
    if request.method in bodies.METHODS:
        # A form on the page that a kept request led to: it is sent to the address it stands at.
        drop_token(request)
        return None
    return to_bare_address(request)


def fits(kept: Kept, request: HttpRequest, token: str, state: GateState) -> bool:
    """True if this is what is waited for: session, person, page and a code that is fresh."""
    return (
        kept.waits
        and secrets.compare_digest(kept.token.encode(), token.encode())
        and kept.user_id == state.user_id
        and kept.place == place_of(request)
        and state.mark is not None
        and not session.is_older(state.mark.at, kept.max_age)
    )


def take(kept: Kept) -> bytes | None:
    """Take a request out of Redis; None if somebody was first, or its time is over."""
    name = codes.token_digest(kept.token)
    sealed = store.run(store.TAKE, [key_for(kept.user_id)], [name])
    return codes.unseal(sealed, kept.key) if isinstance(sealed, str) and sealed else None


def discard(kept: Kept) -> None:
    """Forget what was kept: somebody has logged out, or sent another."""
    if not kept.waits:
        return
    name = codes.token_digest(kept.token)
    try:
        store.forget(key_for(kept.user_id), [f"r{name}", f"l{name}"])
    except StoreUnavailable as error:
        # Nobody can read it: its key is gone with the session. It dies by itself.
        logger.warning("Kept for its time, and readable by nobody: %s", error)


def never_stored(request: HttpRequest, response: Any) -> Any:
    """Let no cache keep the answer to a request that went on, nor tell its address to others."""
    if request.otp_gate.resumed:  # type: ignore[attr-defined]
        add_never_cache_headers(response)
        response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def place_of(request: HttpRequest) -> str:
    return request.get_host() + request.path


def key_for(user_id: str) -> str:
    return store.kept_key(codes.user_digest(user_id))
