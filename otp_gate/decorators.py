"""`otp_exempt` and `otp_required`, for function and class views, sync and async."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from otp_gate import identity, kept, reports, session
from otp_gate.conf import gate_config, seconds
from otp_gate.exemptions import EXEMPT, View
from otp_gate.responses import HTML, kind_of, problem, settings_url, turn_away
from otp_gate.state import GateState

logger = logging.getLogger("otp_gate")

Decorator = Callable[[View], View]


def for_views(decorate: Decorator) -> Decorator:
    """Let a decorator of function views take class views too (their `dispatch`).

    Django's `method_decorator` makes no coroutine of an async `dispatch` before Django 6.0.
    """

    def decorator(view: Any) -> Any:
        if not isinstance(view, type):
            return decorate(view)
        original: View = view.dispatch  # type: ignore[attr-defined]

        @wraps(original)
        def dispatch(self: Any, *args: Any, **kwargs: Any) -> Any:
            def bound(*args: Any, **kwargs: Any) -> Any:
                return original(self, *args, **kwargs)

            if self.view_is_async:  # Asked here: a subclass may have made it so.
                markcoroutinefunction(bound)
            return decorate(bound)(*args, **kwargs)

        # `as_view` copies the attributes of `dispatch` to the view: the mark must be there.
        mark = getattr(decorate(original), EXEMPT, None)
        if mark is not None:
            setattr(dispatch, EXEMPT, mark)
        view.dispatch = dispatch  # type: ignore[attr-defined]
        return view

    return decorator


@overload
def otp_exempt(view: View, /) -> View: ...
@overload
def otp_exempt(*, reveal_user: bool = False) -> Decorator: ...
def otp_exempt(view: View | None = None, /, *, reveal_user: bool = False) -> Any:
    """Leave a view open to half-authenticated sessions, which it sees as AnonymousUser.

    Args:
        reveal_user: let `request.user` be the half-authenticated user. The view then must not
            show or do anything that the second factor is there to protect.
    """

    def mark(view: View) -> View:
        # A wrapper, and not the attribute alone: the undecorated view stays gated elsewhere.
        if iscoroutinefunction(view):

            @wraps(view)
            async def open_view(*args: Any, **kwargs: Any) -> Any:
                return await view(*args, **kwargs)

        else:

            @wraps(view)
            def open_view(*args: Any, **kwargs: Any) -> Any:
                return view(*args, **kwargs)

        setattr(open_view, EXEMPT, "reveal" if reveal_user else "hide")
        return open_view

    decorator = for_views(mark)
    return decorator if view is None else decorator(view)


@overload
def otp_required(view: View, /) -> View: ...
@overload
def otp_required(*, max_age: Any = None, max_body: int = kept.MAX_BODY) -> Decorator: ...
def otp_required(
    view: View | None = None, /, *, max_age: Any = None, max_body: int = kept.MAX_BODY
) -> Any:
    """Ask for a code before this view, also where the policy does not, or again (step-up).

    Args:
        max_age: how long ago the code may have been typed in, seconds or `timedelta`; None for
            any time in this login. ASVS 7.5.3: before what is sensitive, prove it again.
        max_body: how many bytes of a form (with its files) are kept until the code is typed in,
            when it goes on as it was; of a larger one the person is told at once. 0 for none.
    """
    limit = None if max_age is None else seconds(max_age)

    def require(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def stepped_up(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                if answer := kept.spent(request):
                    return answer
                refusal = needs(request, await identity.load(request), limit)
                if refusal is ONLY_REPORTED:
                    await reports.acount(request)
                if refusal in (None, ONLY_REPORTED):
                    return await view(request, *args, **kwargs)
                if refusal is STEP_UP:
                    # First, for a new step-up forgets what one that was given up had kept.
                    await session.abegin(request.session, step_up=True)
                    keeps = kept.may_be_kept(request)
                    if keeps:
                        await sync_to_async(kept.keep)(request, limit, max_body)
                    return turn_away(request, comes_back=not keeps)
                return refusal

        else:

            @wraps(view)
            def stepped_up(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                if answer := kept.spent(request):
                    return answer
                refusal = needs(request, request.user, limit)
                if refusal is ONLY_REPORTED:
                    reports.count(request)
                if refusal in (None, ONLY_REPORTED):
                    return view(request, *args, **kwargs)
                if refusal is STEP_UP:
                    session.begin(request.session, step_up=True)
                    keeps = kept.may_be_kept(request)
                    if keeps:
                        kept.keep(request, limit, max_body)
                    return turn_away(request, comes_back=not keeps)
                return refusal

        return stepped_up

    decorator = for_views(require)
    return decorator if view is None else decorator(view)


STEP_UP, ONLY_REPORTED = object(), object()


def needs(request: HttpRequest, user: Any, max_age: int | None) -> Any:
    """Return None if the view may run, STEP_UP if a code is due, else the answer.

    ONLY_REPORTED if a code would be due, but report mode lets the view run.
    """
    state: GateState | None = getattr(request, "otp_gate", None)
    if state is None:
        raise ImproperlyConfigured(
            "otp_required needs 'otp_gate.middleware.OTPGateMiddleware' in MIDDLEWARE."
        )
    if state.status == "exempt":
        return turn_away(request)
    if not user.is_authenticated:
        # Asked of the user and not of the mark: it outlives him where his password has changed.
        return log_in_first(request)
    mark = state.mark
    if mark is not None and not session.is_stale(mark, max_age):
        return None
    if gate_config().mode == "report":
        logger.info("Would ask again: step-up", extra={"request": request})
        return ONLY_REPORTED
    return STEP_UP


def log_in_first(request: HttpRequest) -> HttpResponse:
    """Answer somebody who is not logged in at all."""
    if kind_of(request) == HTML:
        return redirect_to_login(request.get_full_path(), settings_url("LOGIN_URL"))
    return problem(
        403,
        "login_required",
        pgettext("otp_gate", "Login required"),
        _("Log in first."),
        login_url=settings_url("LOGIN_URL"),
    )
