"""The gate: two doors, each of which lets a request pass or answers in place of the view.

The first door stands in `__call__`, before anything further in can answer; the second in
`process_view`, at the view that really runs, because a middleware in between may have logged
a user in or changed the user or the URLconf.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.apps import apps
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from otp_gate import exemptions, session
from otp_gate.conf import gate_config
from otp_gate.django_internals import is_user_unread
from otp_gate.evaluation import BODILESS, FAULTS, Evaluation, passes_at_once
from otp_gate.exemptions import View
from otp_gate.state import RESUMED, GateState, gate_state, may_resume


class OTPGateMiddleware(Evaluation):
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

    def __call__(self, request: Any) -> Any:
        if self.is_async:
            return self.__acall__(request)
        response: Any
        try:
            if (
                is_user_unread(request)
                and request.method in BODILESS
                and passes_at_once(request, session.read(request.session))
            ):
                response = None
            else:
                response = self.evaluate(request)
        except FAULTS as error:
            response = self.fail_closed(request, error)
        if response is None and may_resume(request):
            response = self.replay(request)  # Behind the gate it is judged as the POST it was.
        if response is None:
            response = self.get_response(request)
            if RESUMED in request.__dict__:
                self.never_stored(response)
            if not request.otp_gate.view_reached or 300 <= response.status_code < 400:
                response = self.replace_fallback(request, response)
        if request.method not in BODILESS:
            exemptions.scrub_unread(request)
        return response

    async def __acall__(self, request: Any) -> Any:
        response: Any
        try:
            if (
                is_user_unread(request)
                and request.method in BODILESS
                and passes_at_once(request, await session.aread(request.session))
            ):
                response = None
            else:
                response = await self.aevaluate(request)
        except FAULTS as error:
            response = self.fail_closed(request, error)
        if response is None and may_resume(request):
            response = await sync_to_async(self.replay)(request)
        if response is None:
            response = await self.get_response(request)
            if RESUMED in request.__dict__:
                self.never_stored(response)
            if not request.otp_gate.view_reached or 300 <= response.status_code < 400:
                response = await self.areplace_fallback(request, response)
        if request.method not in BODILESS:
            exemptions.scrub_unread(request)
        return response

    def replace_fallback(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Answer in place of a middleware that answered in place of a view."""
        match = exemptions.page_due(request)
        if match is not None:
            return (
                self.serve(request, match) if exemptions.is_trap(response.status_code) else response
            )
        if logged_in_downstream(request, response):
            return self.evaluate_or_close(request, at_view=True) or response
        return response

    async def areplace_fallback(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """See `replace_fallback`."""
        match = exemptions.page_due(request)
        if match is not None:
            if not exemptions.is_trap(response.status_code):
                return response
            return await sync_to_async(self.serve)(request, match)
        if logged_in_downstream(request, response):
            return await self.aevaluate_or_close(request, at_view=True) or response
        return response

    # The second door

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        state: GateState = request.otp_gate  # type: ignore[attr-defined]
        if state.still_passes(request):
            state.view_reached = True
            return None
        if match := exemptions.page_due(request, view):
            return self.serve(request, match)
        if state.is_settled(request):
            response = self.refuse(request) if self.is_blocked(request) else None
        else:
            response = self.evaluate_or_close(request, at_view=True)
        return self.resume(request) if response is None else response

    async def aprocess_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        state: GateState = request.otp_gate  # type: ignore[attr-defined]
        if state.still_passes(request):
            state.view_reached = True
            return None
        if match := exemptions.page_due(request, view):
            return await sync_to_async(self.serve)(request, match)
        if state.is_settled(request):
            response = await self.arefuse(request) if self.is_blocked(request) else None
        else:
            response = await self.aevaluate_or_close(request, at_view=True)
        if response is None and may_resume(request):
            return await sync_to_async(self.resume)(request)
        return self.resume(request) if response is None else response

    def resume(self, request: HttpRequest) -> HttpResponse | None:
        """Replay a saved request at the view, and let the view run."""
        response = self.replay(request)
        # An own page is reached when its view runs: another middleware may still answer first.
        gate_state(request).view_reached = response is None and not exemptions.is_own(
            request.resolver_match.func  # type: ignore[union-attr]
        )
        return response

    def replay(self, request: HttpRequest) -> HttpResponse | None:
        """Make of a request with the token of a saved request the request that was saved."""
        if not may_resume(request):
            return None
        from otp_gate import kept  # By the worker to which a saved request comes back.

        try:
            return kept.resume(request)
        except FAULTS as error:
            return self.fail_closed(request, error)

    def never_stored(self, response: HttpResponseBase) -> None:
        """Let no cache store the answer to a replayed request."""
        from otp_gate import saved  # By the worker to which a saved request comes back.

        saved.never_stored(response)

    def serve(self, request: HttpRequest, match: ResolverMatch) -> HttpResponse:
        """Run an own page."""
        request.resolver_match = match
        return match.func(request, *match.args, **match.kwargs)  # type: ignore[no-any-return]


def logged_in_downstream(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return True if a later middleware changed the user and answered without `process_view`.

    A redirect shows nothing, and may follow on a log-in link that works once.
    """
    return not (gate_state(request).is_settled(request) or 300 <= response.status_code < 400)
