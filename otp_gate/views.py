"""The gate's own pages: verify, resend, cancel, disown; each as HTML and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from otp_gate import challenge as engine
from otp_gate import forms, log_records, session, signals, site_limits
from otp_gate.addresses import page_url, with_next
from otp_gate.clients import accepts_page, is_framed, wants_json
from otp_gate.conf import gate_config
from otp_gate.disown_page import ask_to_disown, show_disown_stage
from otp_gate.django_internals import csrf_failure, scrub_code, set_csrf_cookie
from otp_gate.exceptions import CodeInDoubt, StoreUnavailable
from otp_gate.exemptions import OWN
from otp_gate.factors.base import check as check_factor
from otp_gate.identity import user_id_of
from otp_gate.letters import letterhead, read_token, tell_locked
from otp_gate.login_again import DISOWNED, back_to_login, leave
from otp_gate.next_page import safe_next
from otp_gate.outcomes import Outcome, Reply
from otp_gate.pages import csrf_problem, refuse, report, show, unavailable, with_token
from otp_gate.responses import problem, unseen
from otp_gate.state import GateState, gate_state
from otp_gate.visits import Visit, challenge_of, go_on, named_in, page_for, visit_of

View = Callable[[HttpRequest], HttpResponse]

METHODS = ("GET", "HEAD", "POST")

IN_VAIN = frozenset(map(Outcome, ("locked", "held", "cooldown", "undeliverable", "unreachable")))
"""What a GET may hear in place of a code on its way."""


def own_page(view: View) -> View:
    """Give a page what all pages of the gate have, whatever the site around them does.

    Open in every state, also under LoginRequiredMiddleware; CSRF-protected, also on a site
    without CsrfViewMiddleware; never stored, framed, or named to another site by `Referer`; the
    code kept out of error reports; and a Redis that fails is a page of its own, never a 500.
    """

    @sensitive_post_parameters("code")
    @never_cache
    def guarded(request: HttpRequest) -> HttpResponse:
        # Here and below by hand: Django's decorators for it import three modules more.
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        try:
            reason = csrf_failure(request)
            return view(request) if reason is None else out_of_date(request, reason)
        except StoreUnavailable as error:
            log_records.write("unavailable", request, reason=str(error))
        except DatabaseError as error:
            # By name alone: a database quotes the row, and so the session key.
            fault = f"database ({type(error).__name__})"
            log_records.write("unavailable", request, reason=fault)
        target = safe_next(request, forms.read(request).next)
        retry_url = with_next(page_url("verify") or "/", target)
        return unavailable(request, retry_url=retry_url, target=target)

    @login_not_required
    @wraps(view)
    def page(request: HttpRequest) -> HttpResponse:
        state: GateState | None = getattr(request, "otp_gate", None)
        if state is None:
            raise ImproperlyConfigured(
                "The OTP page needs 'otp_gate.middleware.OTPGateMiddleware' in MIDDLEWARE."
            )
        state.served = state.view_reached = True
        try:
            with state.user_for_own_page(request):
                response = guarded(request)
        finally:
            scrub_code(request)
        set_csrf_cookie(request, response)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        return response

    setattr(page, OWN, True)
    return page


@sensitive_variables()
def out_of_date(request: HttpRequest, reason: str) -> HttpResponse:
    """Answer a form whose CSRF token is refused: the page is older than the last login or code.

    Nothing is compared, counted or sent, and no saved request is replayed: another site may have
    sent this. A verified user goes on, an anonymous one to the login; a half-authenticated user
    sees the page anew.
    """
    given = forms.read(request)
    log_records.write("csrf_refused", request, reason=reason, path=request.path)
    if request.path == page_url("disown"):
        return csrf_problem(request) if wants_json(request) else ask_to_disown(request, status=403)
    visit = visit_of(request, replace(given, kept=NO_SAVED_REQUEST))
    if not isinstance(visit, Visit):
        return visit
    if visit.as_json:
        return csrf_problem(request)
    reply = pending_reply(visit)
    if reply.outcome is Outcome.DISOWNED:
        return back_to_login(request, visit.next, DISOWNED)
    return show(visit, reply, error="csrf", status=403)


def pending_reply(visit: Visit) -> Reply:
    """Return what is pending; sends and counts nothing."""
    if visit.factor(named_in(visit.request)) is None:
        from otp_gate import operators  # For whom nothing else leads in; most sites have none.

        return operators.peek(visit.user)
    return challenge_of(visit).peek()


NO_SAVED_REQUEST = "-"
"""The id of no saved request."""


@own_page
@sensitive_variables()
def verify(request: HttpRequest) -> HttpResponse:
    """GET shows what is pending, and sends a code if none is alive; POST checks the code."""
    given = forms.read(request)
    visit = visit_of(request, given)
    if not isinstance(visit, Visit):
        return visit
    if request.method == "POST":
        return check(visit, given)
    if (blind := unseen(request)) is not None:
        return blind
    factor = visit.factor(named_in(request))
    looks = accepts_page(request) and not is_framed(request) and not visit.as_json
    if factor is None or request.method == "HEAD" or not looks:
        # Nobody who could type a code is looking, or there is no way to send one.
        return answer(visit, pending_reply(visit))
    return answer(visit, send(visit, factor, another=False))


def answer(visit: Visit, reply: Reply) -> HttpResponse:
    """Answer a GET: what is pending, or why nothing can be."""
    outcome = reply.outcome
    if outcome is Outcome.DISOWNED:
        return back_to_login(visit.request, visit.next, DISOWNED)
    if outcome in IN_VAIN:
        return refuse(visit, reply, posted=False)
    if visit.as_json:
        status = "pending" if outcome is Outcome.ALIVE else outcome.value
        return report(visit, status, reply)
    return show(visit, reply)


@sensitive_variables()
def check(visit: Visit, given: forms.Submission) -> HttpResponse:
    """Answer what was typed."""
    request, user, challenge = visit.request, visit.user, challenge_of(visit)
    if given.kept not in (None, visit.kept_id):
        # Another tab has sent another form since: what goes on must be what this page speaks of.
        return answer(visit, challenge.peek())
    factor = visit.factor(given.factor)
    if factor is None:
        from otp_gate import operators

        # Nothing can be sent to this user: only what an operator reads out leads in.
        reply = operators.answer(challenge, given.code)
    else:
        reply = check_factor(factor, challenge, user, given.code)
    if reply.outcome is Outcome.ACCEPTED:
        target = session.follow(request.session, visit.next, visit.pending) if visit.next else ""
        old_key = session.set_verified(request, user_id_of(user), reply.factor)
        gate_state(request).set_verified(request)
        new_key = request.session.session_key
        emit(signals.session_key_changed, visit, old_key=old_key, new_key=new_key)
        emit(signals.code_accepted, visit, factor=reply.factor)
        log_records.write("code_accepted", request, factor=reply.factor)
        return go_on(visit.request, target, visit.as_json, given.kept)
    if reply.outcome is Outcome.DISOWNED:
        return back_to_login(request, visit.next, DISOWNED)
    named = factor.id if factor else None
    log_records.write("code_refused", request, factor=named, reason=reply.outcome.value)
    emit(signals.code_refused, visit, reason=reply.outcome)
    if reply.outcome is Outcome.INVALID and reply.counted:
        suspect(visit, reply)
    return refuse(visit, reply, posted=True)


def suspect(visit: Visit, reply: Reply) -> None:
    """Tell whom it concerns: the person who is being guessed at, and the site."""
    if reply.locked_now:
        emit(signals.user_locked, visit, retry_after=reply.retry_after)
        log_records.write("user_locked", visit.request)
        tell_locked(visit.request, visit.user, reply.retry_after)
    quota = gate_config().alarm
    times = 0 if quota is None else site_limits.alarm(user_id_of(visit.user), *quota)
    if quota is not None and times:
        number, window = quota[0] * times, quota[1]
        log_records.write("guessing_suspected", visit.request, number=number, window=window)
        signals.guessing_suspected.send_robust(
            sender=None, request=visit.request, number=number, window=window
        )


@own_page
@sensitive_variables()
def resend(request: HttpRequest) -> HttpResponse:
    """POST sends another code, by the factor of that id; GET shows the page."""
    given = forms.read(request)
    visit = visit_of(request, given)
    if not isinstance(visit, Visit):
        return visit
    factor = visit.factor(given.factor)
    to_page = HttpResponseRedirect(page_for(visit, factor))
    if request.method != "POST":
        return to_page
    if factor is None:
        return refuse(visit, Reply(outcome=Outcome.UNREACHABLE), posted=True)
    reply = send(visit, factor, another=True)
    if reply.outcome is Outcome.DISOWNED:
        return back_to_login(request, visit.next, DISOWNED)
    if reply.outcome is Outcome.ALIVE:
        # A factor that sends nothing: it may be answered at once.
        return report(visit, "pending", reply) if visit.as_json else to_page
    if reply.outcome is not Outcome.ISSUED:
        return refuse(visit, reply, posted=True)
    return report(visit, "sent", reply) if visit.as_json else to_page


@own_page
def cancel(request: HttpRequest) -> HttpResponse:
    """POST logs out; GET shows the page."""
    if request.method != "POST":
        return HttpResponseRedirect(page_url("verify") or "/")
    return leave(request)


@own_page
def disown(request: HttpRequest) -> HttpResponse:
    """The "this wasn't me" link: GET asks (mail scanners open it), POST kills code and session."""
    token = forms.read(request).token
    named = read_token(token)
    stage = "ask" if named else "invalid"
    if named and request.method == "POST":
        user = get_user_model()._default_manager.filter(pk=named[0]).first()
        done = engine.disown(user, named[1]) if user is not None else "none"
        stage = "invalid" if done == "none" else done
        if done != "none":
            log_records.write("login_disowned", request, user_id=named[0], reason=done)
            told = {"sender": type(user), "request": request, "user": user}
            signals.login_disowned.send_robust(**told, code_used=done == "used")
            held = float(gate_config().failures.lock_max)
            signals.user_held.send_robust(**told, retry_after=held)
    if wants_json(request):
        if stage == "invalid":
            return problem(400, "invalid", _("Invalid link"), _("It is too old, or was used."))
        body = {"status": stage}
        return JsonResponse(with_token(request, body) if stage == "ask" else body)
    return show_disown_stage(request, stage, token if named else "")


def send(visit: Visit, factor: Any, *, another: bool) -> Reply:
    challenge = challenge_of(visit)
    head = letterhead(visit.request, challenge)
    try:
        reply: Reply = factor.send(challenge, visit.user, head, another=another)
    except CodeInDoubt as error:
        session.note_lost(visit.request.session, challenge.nonce, error.digest)
        raise
    if reply.outcome is Outcome.ISSUED:
        emit(signals.code_sent, visit, factor=factor.id, reference=reply.reference)
        log_records.write("code_sent", visit.request, factor=factor.id)
    return reply


def emit(signal: Any, visit: Visit, **named: Any) -> None:
    # `__class__`, since `type` of a lazy user is the lazy object's.
    user = visit.user
    signal.send_robust(sender=user.__class__, request=visit.request, user=user, **named)
