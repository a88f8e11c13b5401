"""A request that step-up refuses is kept, and goes on, once, when its code has been typed in.

The session holds a token, a secret and what the person is told; Redis holds the request itself,
encrypted with a key made of that secret and SECRET_KEY (`seals`). After the code the browser is led
back to the address of the request with the token in the query, and the gate makes of that GET the
request that was.

A kept request must be nothing that another site made a browser send. So it is kept only where
its CSRF token is right, or where the project said that the view needs none; a check that is made
further in (REST frameworks do) is then still made. And the token that brings it back is known to
this session alone, used up by the first who shows it, and void without a fresh code.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from otp_gate import bodies, codes, log_records, saved_store, session
from otp_gate.clients import HTML, is_framed, kind_of
from otp_gate.django_internals import csrf_failure, leave_page_cache, skip_csrf_middleware
from otp_gate.exceptions import StoreUnavailable
from otp_gate.exemptions import resolve_in
from otp_gate.next_page import is_login_or_log_out
from otp_gate.responses import address_of, referring_page, turn_away
from otp_gate.saved import Kept
from otp_gate.state import RESUME, RESUMED, GateState, gate_state, is_resumed, may_resume

logger = logging.getLogger("otp_gate")

MAX_BODY = 2_621_440
"""Bytes of a request that are kept: as many as Django takes into memory by default (2.5 MB)."""

# What a person is told, before the code is typed in.
WAITS, TOO_LARGE, LOST, NOT_SENT = "waits", "too_large", "lost", "not_sent"


def may_be_kept(request: HttpRequest) -> bool:
    """True for a form that a person has filled in on a page.

    A program and HTMX hold on to what they sent, and can send it again.
    """
    return request.method in bodies.METHODS and kind_of(request) == HTML and not is_framed(request)


@sensitive_variables()
def turn_away_form(request: HttpRequest) -> HttpResponse:
    """Answer a request with a body that the gate refuses, and lose no form without a word.

    Where this login was verified before (VERIFIED_TTL is over), the form is kept as for a step-up.
    Where it never was (the gate is new, or its policy is), it is not stored: a password alone must
    fill no Redis. The page then says so, and the code leads back to the page of the form.
    """
    data, user_id = session.loaded(request.session), gate_state(request).user_id
    foreign = data.get(session.LOGIN) != user_id
    if user_id is None or foreign or not may_be_kept(request) or is_login_or_log_out(request):
        return turn_away(request)
    if session.mark_of(data, user_id) is not None:
        keep(request, user_id, None, MAX_BODY)
    else:
        note_not_sent(request, user_id)
    return turn_away(request, comes_back=False)


aturn_away_form = sync_to_async(turn_away_form)


def note_not_sent(request: HttpRequest, user_id: str) -> None:
    """Let the page say that the form was not sent, and lead back to the page it was on."""
    session.keep(
        request.session,
        Kept(
            note=NOT_SENT,
            place=place_of(request),
            way=referring_page(request),
            token=codes.new_token(),
            key="",
            user_id=user_id,
            max_age=None,
            dropped=False,
        ),
    )


def drop_note(request: HttpRequest) -> None:
    """Forget what was only to be said: the code was typed on another page."""
    found = Kept.of(session.read(request.session))
    if found is not None and not found.waits:
        session.keep(request.session, None)


@sensitive_variables()
def keep(request: HttpRequest, user_id: str, max_age: int | None, max_body: int) -> None:
    """Keep a user's request until the code is typed in; or, where that fails, what to say of it."""
    before = Kept.of(session.read(request.session))
    dropped = before is not None and before.waits
    if before is not None:
        # First, so that its room in Redis is free for the new one.
        discard(before)
    note, token, key = WAITS, codes.new_token(), codes.new_key()
    length = bodies.declared_length(request)
    too_large, checked, packed = (length or 0) > max_body, False, None
    if not too_large:
        checked = is_checked(request)
        packed = bodies.pack(request) if checked or needs_no_check(request) else None
    if packed is not None and length is None:
        too_large = len(packed) > max_body
    if too_large:
        note = TOO_LARGE
    elif packed is None:
        note = LOST
    else:
        saved = saved_store.save(packed, user_id, place_of(request), token, key)
        note = WAITS if saved else LOST
    way = address_of(request) if note == WAITS else referring_page(request)
    session.keep(
        request.session,
        Kept(
            note=note,
            place=place_of(request),
            way=way,
            token=token,
            key=key,
            user_id=user_id,
            max_age=max_age,
            dropped=dropped,
            checked=checked,
            limit=max_body,
        ),
    )


def is_checked(request: HttpRequest) -> bool:
    """True if its CSRF token is right: no other site has sent it.

    Asked as for a view that is not exempt: what Django's middleware leaves out, a REST framework
    or `csrf_protect` may check further in, and that check must find what it would have found.
    """
    if getattr(request, "csrf_processing_done", False):
        return True
    try:
        refused = csrf_failure(request)
    except bodies.UNREADABLE:
        return False
    # Asked by the way: the view's own check must still be made.
    request.__dict__.pop("csrf_processing_done", None)
    return refused is None


def needs_no_check(request: HttpRequest) -> bool:
    """True for a view that the project took out of Django's check."""
    # At the first door the view is not known yet. Where another one runs than its path says, its
    # check is made, for what comes to it is a POST.
    match = request.resolver_match or resolve_in(request)
    return match is not None and getattr(match.func, "csrf_exempt", False)


def way_on(request: HttpRequest, shown: object) -> str:
    """Return where somebody goes on whose code was right; "" if nothing was kept or lost.

    Args:
        shown: the `Kept.id` of what the page spoke of; None for a program, which was asked by none.
    """
    kept = Kept.of(session.read(request.session))
    if kept is None or shown not in (None, kept.id):
        return ""
    if not kept.waits:
        session.keep(request.session, None)
        return kept.way
    return f"{kept.way}{'&' if '?' in kept.way else '?'}{RESUME}={kept.token}"


@sensitive_variables()
def resume(request: HttpRequest) -> HttpResponse | None:
    """Make of a request with a token the one that was kept; or lead it to its bare address.

    Raises:
        StoreUnavailable: Redis did not answer; the same address may be tried again.
    """
    state: GateState = request.otp_gate  # type: ignore[attr-defined]
    if request.method in bodies.METHODS:
        # A form on the page that a kept request led to: it is sent to the address it stands at.
        drop_token(request)
    if state.status != "verified" or request.method != "GET":
        return None
    token = request.GET.get(RESUME, "")
    kept = Kept.of(session.loaded(request.session))
    if kept is None or not fits(kept, request, token, state):
        return to_bare_address(request)
    packed = saved_store.take(kept.user_id, kept.place, kept.token, kept.key)
    session.keep(request.session, None)
    if packed is None:
        return answer_missing(request)
    bodies.restore(request, packed)
    setattr(request, RESUMED, True)
    if kept.checked:
        # Before it was kept; its CSRF token has been rotated since, with the code.
        skip_csrf_middleware(request, True)
    # The page cache has this for the GET that it was.
    leave_page_cache(request)
    log_records.write("saved_request_replayed", request)
    return None


def answer_missing(request: HttpRequest) -> HttpResponse:
    """Say that the saved request did not run now: 410. A reload leads to its bare address.

    It has expired, cannot be decrypted (SECRET_KEY has changed), or another request of this session
    took it at the same moment: so the user is asked to look before sending it again.
    """
    log_records.write("saved_request_missing", request)
    text = _(
        "What you sent before the code was not found any more. Please check whether it was "
        "processed before you send it again."
    )
    response = HttpResponse(text, status=410, content_type="text/plain; charset=utf-8")
    add_never_cache_headers(response)
    return response


def to_bare_address(request: HttpRequest) -> HttpResponse:
    """Lead a token that is used up, or never was one, out of the address.

    A reload of the answer must neither run the view again nor show it a token.
    """
    drop_token(request)
    response = HttpResponseRedirect(address_of(request))
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
    if not may_resume(request) or state is None or is_resumed(request):
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
        and not session.is_stale(state.mark, kept.max_age)
        # A check that was left out then must not be due now: Django has made it, for a GET.
        and (kept.checked or needs_no_check(request))
    )


def discard_all(data: Mapping[str, Any]) -> None:
    """Forget what a session that ends has kept."""
    waiting = Kept.of(data)
    if waiting is not None:
        discard(waiting)


def discard(kept: Kept) -> None:
    """Forget what was kept: somebody has logged out, or sent another."""
    if not kept.waits:
        return
    try:
        saved_store.remove(kept.token)
    except StoreUnavailable as error:
        # Nobody can read it: its key is gone with the session. It dies by itself.
        logger.warning("Kept for its time, and readable by nobody: %s", error)


def place_of(request: HttpRequest) -> str:
    return request.get_host() + request.path
