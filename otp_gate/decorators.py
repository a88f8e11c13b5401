"""`otp_exempt` and `otp_required`, for function and class views, sync and async."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from types import new_class
from typing import Any, overload

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from otp_gate import identity, kept, reports, session
from otp_gate.clients import HTML, kind_of
from otp_gate.conf import gate_config, seconds
from otp_gate.exemptions import EXEMPT, View
from otp_gate.responses import problem, settings_url, turn_away
from otp_gate.state import GateState, gate_state

logger = logging.getLogger("otp_gate")

Decorator = Callable[[View], View]


def subclass(view: type, name: str, attribute: Any) -> Any:
    """Return a subclass of a class view with one attribute of its own.

    A decorator must not change the class that it is given: other URLs and subclasses use it.
    """
    own = {name: attribute, "__module__": view.__module__, "__qualname__": view.__qualname__}
    own["__doc__"] = view.__doc__
    return new_class(view.__name__, (view,), exec_body=lambda body: body.update(own))


def exempt_class(view: Any, value: str) -> Any:
    """Return the class view whose `as_view` marks the view; subclasses of it are not exempt."""

    def as_view(cls: Any, *args: Any, **kwargs: Any) -> Any:
        made = super(decorated, cls).as_view(*args, **kwargs)
        if cls is decorated:
            setattr(made, EXEMPT, value)
        return made

    decorated = subclass(view, "as_view", classmethod(as_view))
    return decorated


def require_class(view: Any, require: Decorator) -> Any:
    """Return the class view whose `dispatch` asks for a code; subclasses of it ask, too.

    Django's `method_decorator` makes no coroutine of an async `dispatch` before Django 6.0.
    """

    @wraps(view.dispatch)
    def dispatch(self: Any, *args: Any, **kwargs: Any) -> Any:
        def bound(*args: Any, **kwargs: Any) -> Any:
            return super(decorated, self).dispatch(*args, **kwargs)

        if self.view_is_async:  # Asked here: a subclass may have made it so.
            markcoroutinefunction(bound)
        return require(bound)(*args, **kwargs)

    decorated = subclass(view, "dispatch", dispatch)
    return decorated


@overload
def otp_exempt(view: View, /) -> View: ...
@overload
def otp_exempt(*, reveal_user: bool = False) -> Decorator: ...
def otp_exempt(view: View | None = None, /, *, reveal_user: bool = False) -> Any:
    """Leave a view open to half-authenticated sessions, which it sees as AnonymousUser.

    On a class: that class alone. Neither the class that was given nor a subclass is exempt.

    Args:
        reveal_user: let `request.user` be the half-authenticated user. The view then must not
            show or do anything that the second factor is there to protect.
    """

    value = "reveal" if reveal_user else "hide"

    def mark(view: View) -> View:
        if isinstance(view, type):
            return exempt_class(view, value)  # type: ignore[no-any-return]
        # A wrapper, and not the attribute alone: the undecorated view stays gated elsewhere.
        if iscoroutinefunction(view):

            @wraps(view)
            async def open_view(*args: Any, **kwargs: Any) -> Any:
                return await view(*args, **kwargs)

        else:

            @wraps(view)
            def open_view(*args: Any, **kwargs: Any) -> Any:
                return view(*args, **kwargs)

        setattr(open_view, EXEMPT, value)
        return open_view

    return mark if view is None else mark(view)


@overload
def otp_required(view: View, /) -> View: ...
@overload
def otp_required(*, max_age: Any = None, max_body: int = kept.MAX_BODY) -> Decorator: ...
def otp_required(
    view: View | None = None, /, *, max_age: Any = None, max_body: int = kept.MAX_BODY
) -> Any:
    """Ask for a code before this view, also where the policy does not, or again (step-up).

    The code must be that of the user for whom the view acts, in `request.user` and, in an async
    view, in `request.auser()`. What the view answers is never stored by a cache, which would serve
    it when the code is too old. On a class: that class and its subclasses.

    Args:
        max_age: how long ago the code may have been typed in, seconds or `timedelta`; None for
            any time in this login. ASVS 7.5.3: before what is sensitive, prove it again.
        max_body: how many bytes of a form (with its files) are kept until the code is typed in,
            when it goes on as it was; of a larger one the person is told at once. 0 for none.
    """
    limit = None if max_age is None else seconds(max_age)

    def require(view: View) -> View:
        if isinstance(view, type):
            return require_class(view, require)  # type: ignore[no-any-return]
        if iscoroutinefunction(view):

            @wraps(view)
            async def stepped_up(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                if answer := kept.spent(request):
                    return answer
                users = [await identity.load(request), await request.auser()]
                refusal = needs(request, users, limit)
                if refusal is ONLY_REPORTED:
                    await reports.acount(request)
                if refusal in (None, ONLY_REPORTED):
                    return uncached(await view(request, *args, **kwargs))
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
                refusal = needs(request, [request.user], limit)
                if refusal is ONLY_REPORTED:
                    reports.count(request)
                if refusal in (None, ONLY_REPORTED):
                    return uncached(view(request, *args, **kwargs))
                if refusal is STEP_UP:
                    session.begin(request.session, step_up=True)
                    keeps = kept.may_be_kept(request)
                    if keeps:
                        kept.keep(request, limit, max_body)
                    return turn_away(request, comes_back=not keeps)
                return refusal

        return stepped_up

    return require if view is None else require(view)


STEP_UP, ONLY_REPORTED = object(), object()


def uncached(response: Any) -> Any:
    """Let no cache store what a view answers for which a code was asked.

    The cache of the site answers in place of the view, and so in place of the decorator.
    """
    if isinstance(response, HttpResponseBase):
        add_never_cache_headers(response)
    return response


def needs(request: HttpRequest, users: Sequence[Any], max_age: int | None) -> Any:
    """Return None if the view may run, STEP_UP if a code is due, else the answer.

    ONLY_REPORTED if a code would be due, but report mode lets the view run.

    Args:
        users: all whom the view may act for. A token, a link or a header may have put another
            user into the request than the one who typed in a code.
    """
    state, enforced = gate_state(request), gate_config().mode == "enforce"
    if state.status == "exempt" or (state.status == "half" and enforced):
        return turn_away(request)
    if not users[0].is_authenticated:
        # Asked of the user and not of the mark: it outlives a user whose password has changed.
        return log_in_first(request)
    missing = [
        user for user in users if user.is_authenticated and not is_proved(state, user, max_age)
    ]
    if not missing:
        return None
    if not enforced:
        logger.info("Would ask again: step-up", extra={"request": request})
        return ONLY_REPORTED
    if any(identity.pk_or_none(user) != state.user_id for user in missing):
        return log_in_as_this_user(request)
    return STEP_UP


def is_proved(state: GateState, user: Any, max_age: int | None) -> bool:
    """Return True if a code of this user stands behind the request."""
    mark = state.mark_for(user)
    return mark is not None and not session.is_stale(mark, max_age)


def log_in_as_this_user(request: HttpRequest) -> HttpResponse:
    """Refuse a user who is not the one of the session.

    The code that this session could ask for belongs to its own user, and would prove nothing.
    """
    detail = _("This needs a session in which this user has typed in a code.")
    if kind_of(request) == HTML:
        response = HttpResponse(detail, status=403, content_type="text/plain; charset=utf-8")
        add_never_cache_headers(response)
        return response
    return problem(403, "otp_required", _("One-time password required"), detail)


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
