"""The gate: two doors, each of which lets a request pass or answers in place of the view.

The first door stands in `__call__`, before anything further in can answer; the second in
`process_view`, at the view that really runs, because a middleware in between may have logged
somebody in or changed the user or the URLconf. Sync and async are shells around the same body.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.apps import apps
from django.contrib.auth import alogout, logout
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from otp_gate import exemptions, identity, reports, session
from otp_gate.conf import GateConfig, gate_config
from otp_gate.exceptions import GateMisplaced, StoreUnavailable
from otp_gate.exemptions import View
from otp_gate.pages import unavailable
from otp_gate.policy import arequires, everyone, requires
from otp_gate.responses import address_of, turn_away
from otp_gate.signals import request_refused
from otp_gate.state import GateState, Status, may_resume, never_stored, settle

logger = logging.getLogger("otp_gate")

Names = tuple[str | None, str | None]
NOBODY: Names = (None, None)
# The session cannot be read, or ended; or the user whom the policy asks about is not to be had.
FAULTS = (StoreUnavailable, DatabaseError)


class OTPGateMiddleware:
    """Hold every half-authenticated session until its code has been typed in."""

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        gate_config()  # A wrong setting stops the server, not the first request.
        self.get_response: Callable[[HttpRequest], Any] = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
            # Django would put a plain function on a thread, for every request.
            self.process_view = self.aprocess_view  # type: ignore[method-assign]
        if apps.is_installed("allauth.account"):
            import_string("otp_gate.headless.doors.stand_before")(self)

    # The first door

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self.__acall__(request)
        response: Any = self.decide(request)
        if response is None:
            response = self.get_response(request)
            if request.otp_gate.resumed:  # type: ignore[attr-defined]
                never_stored(response)
            if request.resolver_match is None or 300 <= response.status_code < 400:
                response = self.overtake(request, response)
        return response

    async def __acall__(self, request: HttpRequest) -> Any:
        response: Any = await self.adecide(request)
        if response is None:
            response = await self.get_response(request)
            if request.otp_gate.resumed:  # type: ignore[attr-defined]
                never_stored(response)
            if request.resolver_match is None or 300 <= response.status_code < 400:
                response = await self.aovertake(request, response)
        return response

    def overtake(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Answer in place of what answered in place of a view."""
        if match := exemptions.page_due(request):
            return self.serve(request, match)
        late = self.decide(request, at_view=True) if came_late(request, response) else None
        return late or response

    async def aovertake(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """See `overtake`."""
        if match := exemptions.page_due(request):
            return await sync_to_async(self.serve)(request, match)
        late = await self.adecide(request, at_view=True) if came_late(request, response) else None
        return late or response

    # The second door

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if request.otp_gate.still_passes(request):  # type: ignore[attr-defined]
            return None
        if match := exemptions.page_due(request, view):
            return self.serve(request, match)
        if not request.otp_gate.is_settled(request):  # type: ignore[attr-defined]
            return self.decide(request, at_view=True) or self.resume(request)
        return self.refuse(request) if self.is_shut(request) else self.resume(request)

    async def aprocess_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if request.otp_gate.still_passes(request):  # type: ignore[attr-defined]
            return None
        if match := exemptions.page_due(request, view):
            return await sync_to_async(self.serve)(request, match)
        response = None
        if not request.otp_gate.is_settled(request):  # type: ignore[attr-defined]
            response = await self.adecide(request, at_view=True)
        elif self.is_shut(request):
            return await self.arefuse(request)
        if response is None and may_resume(request):
            response = await sync_to_async(self.resume)(request)
        return response

    # The two shells: what may load a session or a user, or ask others who do

    def decide(self, request: HttpRequest, at_view: bool = False) -> HttpResponse | None:
        """Settle the request's state; return the answer that turns it away, or None."""
        try:
            return self.weigh(request, at_view)
        except FAULTS as error:
            return self.stay_shut(request, error)

    async def adecide(self, request: HttpRequest, at_view: bool = False) -> HttpResponse | None:
        """See `decide`."""
        try:
            return await self.aweigh(request, at_view)
        except FAULTS as error:
            return self.stay_shut(request, error)

    def weigh(self, request: HttpRequest, at_view: bool) -> HttpResponse | None:
        """See `decide`; may raise where nobody can know who asks."""
        data = session.read(self.session_of(request, at_view))
        names = identity.names(request, data)
        if settle(request, data, names):
            return None
        config = gate_config()
        if config.policy is not everyone and session.is_one(data, *names):
            with identity.unnoticed(request):
                known = request.user.is_authenticated
                required = known and requires(config.policy, request)
            if not required:
                status: Status = "not_required" if known else "anonymous"
                GateState(request, status, names if known else NOBODY, data)
                return None
        if config.mode == "enforce" and session.is_overdue(data):
            logout(request)
            identity.become_anonymous(request)
            GateState(request, "anonymous", NOBODY, session.NOTHING)
            return None
        shut = self.holds(request, data, names, config, at_view)
        return self.refuse(request) if shut else None

    async def aweigh(self, request: HttpRequest, at_view: bool) -> HttpResponse | None:
        """See `weigh`."""
        data = await session.aread(self.session_of(request, at_view))
        names = await identity.anames(request, data)
        if settle(request, data, names):
            return None
        config = gate_config()
        if config.policy is not everyone and session.is_one(data, *names):
            with identity.unnoticed(request):
                known = (await identity.load(request)).is_authenticated
                required = known and await arequires(config.policy, request)
            if not required:
                status: Status = "not_required" if known else "anonymous"
                GateState(request, status, names if known else NOBODY, data)
                return None
        if config.mode == "enforce" and session.is_overdue(data):
            await alogout(request)
            identity.become_anonymous(request)
            GateState(request, "anonymous", NOBODY, session.NOTHING)
            return None
        shut = self.holds(request, data, names, config, at_view)
        return await self.arefuse(request) if shut else None

    def refuse(self, request: HttpRequest) -> HttpResponse | None:
        """Tell of a refusal; turn the request away, unless the gate only reports."""
        enforced = reports.log_refusal(request)
        request_refused.send_robust(sender=type(self), request=request, enforced=enforced)
        if not enforced:
            reports.count(request)
            return None
        if session.lacks_pending(session.loaded(request.session)):
            session.begin(request.session)
        return turn_away(request)

    async def arefuse(self, request: HttpRequest) -> HttpResponse | None:
        """See `refuse`."""
        enforced = reports.log_refusal(request)
        await request_refused.asend_robust(sender=type(self), request=request, enforced=enforced)
        if not enforced:
            await reports.acount(request)
            return None
        if session.lacks_pending(session.loaded(request.session)):
            await session.abegin(request.session)
        return turn_away(request)

    def resume(self, request: HttpRequest) -> HttpResponse | None:
        """Let a request go on that was kept until its code was typed in."""
        if not may_resume(request):
            return None
        from otp_gate import kept  # By the worker to which one comes back.

        try:
            return kept.resume(request)
        except FAULTS as error:
            return self.stay_shut(request, error)

    # The body: no I/O below

    def session_of(self, request: HttpRequest, at_view: bool) -> Any:
        if at_view:
            state: GateState = request.otp_gate  # type: ignore[attr-defined]
            if state.status == "exempt" and state.sees(request):
                # The second door asks about the person, not about the mask of the first.
                state.reveal_user(request)
        try:
            request.user  # noqa: B018
            return request.session
        except AttributeError:
            raise GateMisplaced from None

    def stay_shut(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer where nobody can know who asks: a session that cannot be read may be half."""
        # By name alone: a database quotes the row, and so the session key.
        known = isinstance(error, StoreUnavailable)
        logger.error("Unavailable: %s", error if known else f"database ({type(error).__name__})")
        # The page that would have said so is not reached: keep the code out of error reports.
        request.sensitive_post_parameters = ("code",)  # type: ignore[attr-defined]
        GateState(request, "anonymous", NOBODY, session.NOTHING)
        if gate_config().mode == "report":
            return None
        return unavailable(request, retry_url=address_of(request), sign_out=False)

    def holds(
        self,
        request: HttpRequest,
        data: Mapping[str, Any],
        names: Names,
        config: GateConfig,
        at_view: bool,
    ) -> bool:
        """Settle a request as half-authenticated; True if what it asks for is shut."""
        state = GateState(request, "half", names, data)
        state.hold(request)
        return not reports.is_counted(request) and self.judge(request, state, config, at_view)

    def is_shut(self, request: HttpRequest) -> bool:
        """Judge the view that really runs; who asks is known, and has not changed."""
        state: GateState = request.otp_gate  # type: ignore[attr-defined]
        if state.status not in ("half", "exempt"):
            return False
        config = gate_config()
        if config.mode == "report":
            return False
        state.reveal_user(request)
        state.status = "half"
        return self.judge(request, state, config, at_view=True)

    def judge(
        self, request: HttpRequest, state: GateState, config: GateConfig, at_view: bool
    ) -> bool:
        match = request.resolver_match if at_view else exemptions.resolve_in(request)
        if match is not None and exemptions.is_own(match.func):
            return False
        if exemptions.is_exempt(request, match, config):
            if config.mode == "enforce":
                state.status = "exempt"
                if exemptions.reveals_user(match):
                    state.reveal_user(request)
                else:
                    state.hide_user(request)
            return False
        # Another URLconf may stand before an own page: see `page_due`.
        return at_view or exemptions.own_page(request) is None

    def serve(self, request: HttpRequest, match: ResolverMatch) -> HttpResponse:
        request.resolver_match = match
        return match.func(request, *match.args, **match.kwargs)  # type: ignore[no-any-return]


def came_late(request: HttpRequest, response: HttpResponseBase) -> bool:
    """True for what answers somebody who came in behind the first door, and met no second.

    A redirect shows nothing, and may be what follows on a log-in link that works once.
    """
    settled: bool = request.otp_gate.is_settled(request)  # type: ignore[attr-defined]
    return not (settled or 300 <= response.status_code < 400)
