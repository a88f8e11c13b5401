"""Who comes to the OTP page with something to prove, and where everybody else goes."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from otp_gate import forms, session
from otp_gate.addresses import page_url, settings_url, with_next
from otp_gate.challenge import Challenge
from otp_gate.clients import wants_json
from otp_gate.conf import gate_config
from otp_gate.factors.base import Factor, sends
from otp_gate.login_again import NO_LOGIN, TIMED_OUT, back_to_login
from otp_gate.next_page import safe_next
from otp_gate.saved import Kept
from otp_gate.state import GateState


class Visit(NamedTuple):
    """One visit of the OTP page by somebody who has something to prove."""

    request: HttpRequest
    user: Any
    pending: Any
    next: str
    as_json: bool
    step_up: bool

    @property
    def kept(self) -> Kept | None:
        """What this visit lets go on, or what was lost; a visit of another page has its own."""
        found = Kept.of(session.loaded(self.request.session))
        return None if self.next else found

    @property
    def kept_id(self) -> str:
        """Its name, for the page to give back; "" if there is none."""
        return self.kept.id if self.kept else ""

    @property
    def factors(self) -> list[Factor]:
        """The factors by which this user can be reached, in order of preference."""
        return [factor for factor in gate_config().factors if not factor.missing(self.user)]

    def factor(self, wanted: object = "") -> Factor | None:
        """Return the factor of that id, or the first; None if this user has none."""
        usable = self.factors
        return next((item for item in usable if item.id == wanted), usable[0] if usable else None)


def visit_of(request: HttpRequest, given: forms.Submission) -> Visit | HttpResponse:
    """Return the visit of somebody who has something to prove, or where everybody else goes."""
    state: GateState = request.otp_gate  # type: ignore[attr-defined]
    target = safe_next(request, given.next)
    as_json = wants_json(request)
    user: Any = request.user
    # The state first: a look at the user of a stale session makes Django delete its cookie, which
    # after a double click is by now that of the session which the first click verified.
    if state.status == "anonymous" or not user.is_authenticated:
        return back_to_login(request, target, TIMED_OUT if state.timed_out else NO_LOGIN)
    pending = session.pending_of(session.read(request.session))
    step_up = session.is_stepping_up(pending)
    # A policy may hold some paths and not this one: who was held there waits for a code here.
    waits = step_up or (state.status == "not_required" and session.is_waiting(pending))
    if state.status in ("verified", "not_required") and not waits:
        return go_on(request, target, as_json, given.kept)
    if pending is None or (pending.step_up and not step_up):
        pending = session.begin(request.session)
    return Visit(request, user, pending, target, as_json, step_up and state.status != "half")


def challenge_of(visit: Visit) -> Challenge:
    return Challenge.of(visit.user, visit.pending.nonce, visit.pending.lost)


def go_on(request: HttpRequest, target: str, as_json: bool, shown: object) -> HttpResponse:
    """Send somebody who has nothing (more) to prove to where they wanted to go.

    Args:
        shown: see `kept.way_on`.
    """
    # By a POST of the page alone: no link of another site may let a kept request go on.
    if request.method == "POST" and session.KEPT in session.read(request.session):
        from otp_gate import kept

        if target:
            kept.drop_note(request)
        else:
            target = kept.way_on(request, shown)
    target = target or settings_url("LOGIN_REDIRECT_URL")
    if as_json:
        return JsonResponse({"status": "verified", "next": target})
    return HttpResponseRedirect(target)


def named_in(request: HttpRequest) -> str:
    """Return the factor that the address names: one that sends nothing, after its button.

    Others are not looked for there: a link of another site must not choose what costs money. A
    code that is alive knows by itself how it was sent.
    """
    name = request.GET.get("factor", "")
    return name if name in {item.id for item in gate_config().factors if not sends(item)} else ""


def page_for(visit: Visit, factor: Factor | None) -> str:
    """Return the address of the page that asks for this factor."""
    url = with_next(page_url("verify") or "/", visit.next)
    if factor is None or sends(factor):
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'factor': factor.id})}"
