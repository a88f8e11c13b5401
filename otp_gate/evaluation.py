"""Gather evidence, ask `gate.decision` for a verdict, act on it: once for sync, once for async.

The shells hold no rule. Whatever judges requests (the middleware, a socket, a stream) is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import alogout, logout
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from otp_gate import exemptions, identity, session
from otp_gate.conf import GateConfig, gate_config
from otp_gate.django_internals import skip_csrf_middleware
from otp_gate.exceptions import GateMisplaced, StoreUnavailable
from otp_gate.gate.decision import (
    Evidence,
    Opening,
    Verdict,
    decide,
    decide_at_once,
    decide_blindly,
    decide_view,
)
from otp_gate.policy import arequires, requires
from otp_gate.signals import request_refused
from otp_gate.state import NO_USER, GateState, KeepingState, Status, gate_state

FAULTS = (StoreUnavailable, DatabaseError)
"""The session cannot be read, or ended; or the user of whom the policy asks cannot be loaded."""

BODILESS = ("GET", "HEAD")
"""Methods of requests that carry no code."""

STATUSES: dict[Verdict, Status] = {
    Verdict.ANONYMOUS: "anonymous",
    Verdict.VERIFIED: "verified",
    Verdict.NOT_REQUIRED: "not_required",
    Verdict.HIDE_USER: "exempt",
    Verdict.SHOW_USER: "exempt",
    Verdict.OWN_PAGE: "half",
    Verdict.REFUSE: "half",
    Verdict.REPORT: "half",
    Verdict.EXPIRE: "anonymous",
    Verdict.UNKNOWN: "anonymous",
    Verdict.UNKNOWN_REPORTED: "anonymous",
}

PASSES = frozenset({Verdict.ANONYMOUS, Verdict.VERIFIED, Verdict.NOT_REQUIRED})


class Evaluation:
    """Decides about requests, and acts on the verdict."""

    def evaluate_or_close(self, request: HttpRequest, at_view: bool = False) -> HttpResponse | None:
        """See `evaluate`; stay shut where the evidence cannot be read."""
        try:
            return self.evaluate(request, at_view)
        except FAULTS as error:
            return self.fail_closed(request, error)

    async def aevaluate_or_close(
        self, request: HttpRequest, at_view: bool = False
    ) -> HttpResponse | None:
        """See `evaluate_or_close`."""
        try:
            return await self.aevaluate(request, at_view)
        except FAULTS as error:
            return self.fail_closed(request, error)

    def evaluate(self, request: HttpRequest, at_view: bool = False) -> HttpResponse | None:
        """Decide about a request; return the answer that turns it away, or None.

        Raises:
            StoreUnavailable, DatabaseError: the session or the user cannot be read.
        """
        config = gate_config()
        self.prepare(request, at_view)
        data = session.read(request.session)
        user_ids = identity.user_ids(request, data)
        if at_view and gate_state(request).is_wrapped(data, user_ids[0]):
            gate_state(request).reveal_user(request)
            user_ids = identity.user_ids(request, data)
        evidence = Evidence(data, *user_ids, session.fresh_mark(data, user_ids[0]))
        verdict = decide(evidence, config)
        if verdict is Verdict.ASK_POLICY:
            with identity.without_session_access(request):
                known = bool(request.user.is_authenticated)
                required = known and requires(config.policy, request)
            evidence = with_policy(evidence, known, required)
            verdict = decide(evidence, config)
        if verdict is Verdict.ASK_VIEW:
            verdict = decide_view(self.opening_of(request, config, at_view), config)
        if verdict is Verdict.EXPIRE:
            logout(request)
        self.act(request, evidence, verdict)
        return None if verdict in PASSES else self.answer(request, verdict)

    async def aevaluate(self, request: HttpRequest, at_view: bool = False) -> HttpResponse | None:
        """See `evaluate`."""
        config = gate_config()
        self.prepare(request, at_view)
        data = await session.aread(request.session)
        user_ids = await identity.auser_ids(request, data)
        if at_view and gate_state(request).is_wrapped(data, user_ids[0]):
            gate_state(request).reveal_user(request)
            user_ids = await identity.auser_ids(request, data)
        evidence = Evidence(data, *user_ids, session.fresh_mark(data, user_ids[0]))
        verdict = decide(evidence, config)
        if verdict is Verdict.ASK_POLICY:
            with identity.without_session_access(request):
                known = bool((await identity.load(request)).is_authenticated)
                required = known and await arequires(config.policy, request)
            evidence = with_policy(evidence, known, required)
            verdict = decide(evidence, config)
        if verdict is Verdict.ASK_VIEW:
            verdict = decide_view(self.opening_of(request, config, at_view), config)
        if verdict is Verdict.EXPIRE:
            await alogout(request)
        self.act(request, evidence, verdict)
        return None if verdict in PASSES else await self.aanswer(request, verdict)

    def answer(self, request: HttpRequest, verdict: Verdict) -> HttpResponse | None:
        """Return the answer of a verdict; None where the request goes on."""
        if verdict is Verdict.REFUSE or self.is_new_report(request, verdict):
            return self.refuse(request)
        return None

    async def aanswer(self, request: HttpRequest, verdict: Verdict) -> HttpResponse | None:
        """See `answer`."""
        if verdict is Verdict.REFUSE or self.is_new_report(request, verdict):
            return await self.arefuse(request)
        return None

    def refuse(self, request: HttpRequest) -> HttpResponse | None:
        """Log and signal a refusal; turn the request away, unless the gate only reports."""
        from otp_gate import reports, responses  # By the worker that refuses a request.

        enforced = reports.log_refusal(request)
        request_refused.send_robust(sender=type(self), request=request, enforced=enforced)
        if not enforced:
            reports.count(request)
            return None
        if session.lacks_pending(session.loaded(request.session)):
            session.begin(request.session)
        if request.method not in BODILESS:
            from otp_gate import kept  # By the worker that refuses a form.

            return kept.turn_away_form(request)
        return responses.turn_away(request)

    async def arefuse(self, request: HttpRequest) -> HttpResponse | None:
        """See `refuse`."""
        from otp_gate import reports, responses  # By the worker that refuses a request.

        enforced = reports.log_refusal(request)
        await request_refused.asend_robust(sender=type(self), request=request, enforced=enforced)
        if not enforced:
            await reports.acount(request)
            return None
        if session.lacks_pending(session.loaded(request.session)):
            await session.abegin(request.session)
        if request.method not in BODILESS:
            from otp_gate import kept  # By the worker that refuses a form.

            return await kept.aturn_away_form(request)
        return responses.turn_away(request)

    # No I/O below

    def prepare(self, request: HttpRequest, at_view: bool) -> None:
        """Show the user to the decision, and not the AnonymousUser that hides it from others.

        Raises:
            GateMisplaced: the request has no user or no session.
        """
        if at_view:
            state = gate_state(request)
            if state.sees(request):
                state.reveal_user(request)
            return
        try:
            request.user  # noqa: B018
            request.session  # noqa: B018
        except AttributeError:
            raise GateMisplaced from None
        if request.method not in BODILESS and exemptions.own_page(request) is not None:
            # The own page makes the check itself, for it knows how to answer.
            on_own_page = exemptions.OnOwnPage(request)
            request.__dict__[exemptions.ON_OWN_PAGE] = on_own_page
            skip_csrf_middleware(request, on_own_page)
            # Set here: a middleware behind the gate may raise before the page is reached.
            request.sensitive_post_parameters = ("code",)  # type: ignore[attr-defined]

    def act(self, request: HttpRequest, evidence: Evidence, verdict: Verdict) -> None:
        """Put the state of the request in place."""
        before: GateState | None = getattr(request, "otp_gate", None)
        data, user_ids = evidence.data, (evidence.user_id, evidence.other_id)
        mark, kind = None, GateState
        if verdict is Verdict.VERIFIED:
            mark, kind = evidence.mark, KeepingState if session.KEPT in data else GateState
        elif verdict is Verdict.EXPIRE:
            identity.become_anonymous(request)
            data, user_ids = session.NOTHING, NO_USER
        state = kind(request, STATUSES[verdict], user_ids, data, mark)
        if before is not None:
            state.served, state.timed_out = before.served, before.timed_out
        if verdict is Verdict.EXPIRE:
            state.timed_out = True
        request.otp_gate = state  # type: ignore[attr-defined]
        if verdict not in PASSES and verdict is not Verdict.EXPIRE:
            self.hold(request, state, verdict)

    def hold(self, request: HttpRequest, state: GateState, verdict: Verdict) -> None:
        """Hold a half-authenticated session: remember its user, and hide it where it must be."""
        state.hold(request)
        if verdict in (Verdict.HIDE_USER, Verdict.OWN_PAGE):
            state.hide_user(request)
        elif verdict is Verdict.SHOW_USER and gate_config().mode == "report":
            state.status = "half"

    def is_new_report(self, request: HttpRequest, verdict: Verdict) -> bool:
        """Return True for a refusal that report mode has not counted for this request yet."""
        if verdict is not Verdict.REPORT:
            return False
        from otp_gate import reports

        return not reports.is_counted(request)

    def fail_closed(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer where the gate cannot know who asks: a session that cannot be read may be half."""
        # By name alone: a database quotes the row, and so the session key.
        known = isinstance(error, StoreUnavailable)
        reason = str(error) if known else f"database ({type(error).__name__})"
        # The page that would have said so is not reached: keep the code out of error reports.
        request.sensitive_post_parameters = ("code",)  # type: ignore[attr-defined]
        exemptions.scrub_unread(request)
        from otp_gate import log_records  # By the worker that meets a fault.

        log_records.write("unavailable", request, reason=reason)
        verdict = decide_blindly(gate_config())
        request.otp_gate = GateState(  # type: ignore[attr-defined]
            request, STATUSES[verdict], NO_USER, session.NOTHING
        )
        if verdict is Verdict.UNKNOWN_REPORTED:
            return None
        from otp_gate.pages import unavailable  # By the worker that meets a fault.
        from otp_gate.responses import address_of

        return unavailable(request, retry_url=address_of(request), sign_out=False)

    def is_blocked(self, request: HttpRequest) -> bool:
        """Judge the view that really runs, where who asks is known and has not changed."""
        state, config = gate_state(request), gate_config()
        if state.status not in ("half", "exempt") or config.mode == "report":
            return False
        state.reveal_user(request)
        verdict = decide_view(self.opening_of(request, config, at_view=True), config)
        state.status = STATUSES[verdict]
        if verdict is Verdict.REFUSE:
            return True
        self.hold(request, state, verdict)
        return False

    def opening_of(self, request: HttpRequest, config: GateConfig, at_view: bool) -> Opening:
        """Return what the requested view is to a half-authenticated session."""
        return exemptions.opening_of(request, config, at_view=at_view)


def passes_at_once(request: HttpRequest, data: Mapping[str, Any]) -> bool:
    """Let a request pass whose user the session alone names, and who needs no code.

    A short way for most requests: no evidence is gathered that their verdict does not need.

    Args:
        request: for which `is_user_unread` holds.
    """
    user_id = data.get(session.LOGIN)
    mark = None if user_id is None else session.fresh_mark(data, user_id)
    verdict = decide_at_once(user_id, mark)
    if verdict is None or session.KEPT in data:
        return False
    request.otp_gate = GateState(  # type: ignore[attr-defined]
        request, STATUSES[verdict], (user_id, None), data, mark
    )
    return True


def with_policy(evidence: Evidence, known: bool, required: bool) -> Evidence:
    """Add what the policy answered; a user whom the session names and who is gone is no user."""
    if not known:
        return evidence._replace(user_id=None, other_id=None)
    return evidence._replace(required=required)
