"""What a person reads and a program parses: one reply of the engine, as HTML or as JSON."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from otp_gate import identity, log_records
from otp_gate.addresses import page_url
from otp_gate.clients import wants_json
from otp_gate.conf import gate_config
from otp_gate.letters import waiting_time
from otp_gate.outcomes import Outcome, Reply
from otp_gate.responses import problem
from otp_gate.visits import Visit

RETRY_UNAVAILABLE = 5
"""Seconds after which a client may try again while Redis is away."""

TOMORROW = 86_400
"""What `Retry-After` says (seconds) where only an administrator can lift the lock."""


STATES = {
    Outcome.ISSUED: "open",
    Outcome.ALIVE: "open",
    Outcome.SUPERSEDED: "open",
    Outcome.EXPIRED: "expired",
    Outcome.USED_UP: "used_up",
    Outcome.NONE: "none",
    Outcome.LOCKED: "locked",
    Outcome.HELD: "held",
    Outcome.UNREACHABLE: "unreachable",
}


CLOSED = ("locked", "held", "unreachable")
"""States of the page in which no code can be typed in, nor asked for."""


def state_of(reply: Reply) -> str:
    """Return in which state the page is: "open" where a code may be typed in."""
    if reply.locked:
        return "locked"
    if reply.outcome in STATES:
        return STATES[reply.outcome]
    if reply.expires_in > 0 and reply.attempts_left:
        return "open"
    if reply.outcome is Outcome.UNDELIVERABLE:
        return "undeliverable"
    return "used_up" if reply.expires_in > 0 and reply.factor else "none"


def show(visit: Visit, reply: Reply, *, error: str = "", status: int = 200) -> HttpResponse:
    """Return the OTP page."""
    state = state_of(reply)
    factor = visit.factor(reply.factor)
    alive = state == "open"
    resend_in = reply.resend_in
    if reply.outcome in (Outcome.COOLDOWN, Outcome.UNDELIVERABLE):
        resend_in = max(resend_in, reply.retry_after or 0)
    context = {
        "verify_url": page_url("verify"),
        "resend_url": page_url("resend"),
        "cancel_url": page_url("cancel"),
        "next": visit.next,
        "state": state,
        "error": error,
        "step_up": visit.step_up,
        "kept": visit.kept.note if visit.kept else "",
        "kept_id": visit.kept_id,
        "kept_limit": visit.kept.limit if visit.kept else 0,
        "dropped": visit.kept is not None and visit.kept.dropped,
        "factor_id": factor.id if factor else "",
        "factor_label": factor.label if factor else "",
        "destination": factor.masked(visit.user) if factor else "",
        "reference": reply.reference if alive else "",
        "superseded_reference": reply.superseded_reference,
        "expires_in": math.ceil(reply.expires_in) if alive else 0,
        "resend_in": math.ceil(resend_in),
        "resend_in_text": waiting_time(resend_in),
        "attempts_left": reply.attempts_left if alive else None,
        "retry_after": None if reply.retry_after is None else math.ceil(reply.retry_after),
        "retry_after_text": waiting_time(reply.retry_after),
        "can_resend": resend_in <= 0 and state not in CLOSED,
        "spent": reply.outcome is Outcome.COOLDOWN and resend_in > reply.resend_in,
        "other_factors": [
            {"id": item.id, "label": item.label} for item in visit.factors if item is not factor
        ],
        "missing": missing(visit) if state == "unreachable" else "",
        "user_label": visit.user.get_username(),
        "code_length": gate_config().code_length,
    }
    response = render(visit.request, "otp_gate/verify.html", context, status=status)
    return with_retry_after(response, reply) if status == 429 else response


def missing(visit: Visit) -> str:
    """Name what the factors lack to reach this user ("an email address")."""
    return pgettext("otp_gate", " or ").join(
        factor.missing(visit.user) for factor in gate_config().factors
    )


def with_retry_after(response: HttpResponse, reply: Reply) -> HttpResponse:
    wait = TOMORROW if reply.retry_after is None else reply.retry_after
    response["Retry-After"] = str(math.ceil(wait))
    return response


def report(visit: Visit, status: str, reply: Reply) -> HttpResponse:
    """Return as JSON what is pending."""
    factor = visit.factor(reply.factor)
    alive = state_of(reply) == "open"
    body = {
        "status": status,
        "factor": factor.id if factor else None,
        "destination": factor.masked(visit.user) if factor else None,
        "reference": reply.reference if alive else None,
        "expires_in": math.ceil(reply.expires_in) if alive else 0,
        "resend_in": math.ceil(reply.resend_in),
        "attempts_left": reply.attempts_left if alive else None,
        "factors": [item.id for item in visit.factors],
    }
    if visit.kept is not None:
        body["kept"] = visit.kept.waits
    return JsonResponse(with_token(visit.request, body))


def with_token(request: HttpRequest, body: dict[str, Any]) -> dict[str, Any]:
    """Add the CSRF token: with CSRF_USE_SESSIONS there is no cookie to read it from."""
    return body | {"csrf_token": get_token(request)}


def csrf_problem(request: HttpRequest) -> HttpResponse:
    """Answer a program whose CSRF token is missing or wrong, with one that is right."""
    return problem(
        403,
        "csrf",
        _("The page was out of date"),
        _("Send the request again with this csrf_token."),
        **with_token(request, {}),
    )


def refuse(visit: Visit, reply: Reply, *, posted: bool) -> HttpResponse:
    """Answer with anything but a verified session: the page with what went wrong, or a problem."""
    outcome = reply.outcome
    if outcome is Outcome.COOLDOWN and not posted and (reply.retry_after or 0) <= reply.resend_in:
        # Nobody asked for too much: the page was opened again while the next code cools down.
        return show(visit, reply)
    too_many = outcome in (Outcome.LOCKED, Outcome.HELD, Outcome.COOLDOWN)
    if not visit.as_json:
        in_vain = outcome in (Outcome.COOLDOWN, Outcome.UNDELIVERABLE)
        error = outcome.value if posted or in_vain else ""
        return show(visit, reply, error=error, status=429 if too_many else 200)
    title, detail, status, code = PROBLEMS[outcome]
    extra: dict[str, Any] = {}
    if code == "invalid":
        extra["attempts_left"] = reply.attempts_left or 0
    if outcome is Outcome.SUPERSEDED:
        extra |= {
            "reference": reply.reference,
            "superseded_reference": reply.superseded_reference,
            "attempts_left": reply.attempts_left,
        }
    if outcome is Outcome.UNREACHABLE:
        extra["missing"] = missing(visit)
    if not posted:
        extra = with_token(visit.request, extra)
    response = problem(status, code, str(title), str(detail), **extra)
    waits = too_many or (outcome is Outcome.UNDELIVERABLE and reply.retry_after)
    return with_retry_after(response, reply) if waits else response


# Title, detail, status, code.
PROBLEMS = {
    Outcome.INVALID: (
        gettext_lazy("Invalid one-time password"),
        gettext_lazy("The code is not the one that was sent."),
        400,
        "invalid",
    ),
    Outcome.USED_UP: (
        gettext_lazy("Invalid one-time password"),
        gettext_lazy("Too many wrong answers: this code is void. Ask for another one."),
        400,
        "invalid",
    ),
    Outcome.EXPIRED: (
        gettext_lazy("One-time password has expired"),
        gettext_lazy("Ask for another code."),
        400,
        "expired",
    ),
    Outcome.NONE: (
        gettext_lazy("No code is waiting"),
        gettext_lazy("Ask for another code."),
        400,
        "invalid",
    ),
    Outcome.SUPERSEDED: (
        gettext_lazy("A newer code was sent"),
        gettext_lazy(
            "This is the code of an earlier message; type in the one of the last message."
        ),
        400,
        "superseded",
    ),
    Outcome.LOCKED: (
        gettext_lazy("Too many wrong answers"),
        gettext_lazy("No code is accepted for a while. Try again later."),
        429,
        "locked",
    ),
    Outcome.HELD: (
        gettext_lazy("No codes are sent for a while"),
        gettext_lazy("Somebody said of a sign-in: this wasn't me. A new password ends the pause."),
        429,
        "held",
    ),
    Outcome.COOLDOWN: (
        gettext_lazy("Too many codes"),
        gettext_lazy("Wait before you ask for another code. The last one still works."),
        429,
        "cooldown",
    ),
    Outcome.UNDELIVERABLE: (
        gettext_lazy("The code could not be sent"),
        gettext_lazy("Nothing was used up. Try again."),
        502,
        "undeliverable",
    ),
    Outcome.UNREACHABLE: (
        gettext_lazy("The code could not be sent"),
        gettext_lazy("Your account lacks what a code could be sent to."),
        502,
        "undeliverable",
    ),
}


def render_without_user(request: HttpRequest, context: dict[str, Any]) -> str:
    """Render the page of a fault; whatever of the site needs what has failed is left out.

    A context processor or a base template that looks at the user asks the session store again,
    and would turn a 503 into a 500.
    """
    user, auser = request.user, getattr(request, "auser", None)
    identity.become_anonymous(request)
    try:
        for asked in (request, None):
            try:
                return render_to_string("otp_gate/unavailable.html", context, asked)
            except Exception as error:  # a context processor or a template may raise anything
                log_records.write("fault_page_failed", request, reason=type(error).__name__)
    finally:
        request.user, request.auser = user, auser  # type: ignore[assignment]
    title = _("Codes cannot be checked right now")
    return f"{title}. {_('Try again in a moment.')}"


def unavailable(
    request: HttpRequest, *, retry_url: str, target: str = "", sign_out: bool = True
) -> HttpResponse:
    """Answer while Redis, or the session store, is away: the gate stays shut."""
    if wants_json(request):
        return problem(
            503,
            "unavailable",
            _("Codes cannot be checked right now"),
            _("Try again in a moment."),
            retry_after=RETRY_UNAVAILABLE,
        )
    context = {
        "retry_url": retry_url,
        "cancel_url": page_url("cancel") if sign_out else "",
        "next": target,
        "retry_after": RETRY_UNAVAILABLE,
    }
    response = HttpResponse(render_without_user(request, context), status=503)
    response["Retry-After"] = str(RETRY_UNAVAILABLE)
    add_never_cache_headers(response)
    return response
