"""`otp_exempt` and `otp_required`, for function and class views, sync and async."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from otp_gate import kept, log_records, proofs, reports, session
from otp_gate.addresses import settings_url
from otp_gate.class_views import Decorator, decorate_as_view, decorate_dispatch
from otp_gate.clients import HTML, JSON, kind_of
from otp_gate.conf import gate_config, seconds
from otp_gate.exemptions import EXEMPT, View
from otp_gate.responses import NEVER_STORED, problem, turn_away
from otp_gate.state import gate_state, is_resumed

CACHE_ORDERS = frozenset({"surrogate-control", "x-accel-expires", "edge-control"})
"""Headers that a cache in front of the site obeys before `Cache-Control`; and RFC 9213's."""


class Exemption(str):
    """The mark of one `otp_exempt`: an equal one that another decorator set is another object."""


@overload
def otp_exempt(view: View, /) -> View: ...
@overload
def otp_exempt(*, reveal_user: bool = False) -> Decorator: ...
def otp_exempt(view: View | None = None, /, *, reveal_user: bool = False) -> Any:
    """Leave a view open to half-authenticated sessions, which it sees as AnonymousUser.

    Of a class, what its own `as_view` returns is open, and no view of a subclass.

    Args:
        reveal_user: let `request.user` be the half-authenticated user. The view then must not
            show or do anything that the second factor is there to protect.

    Raises:
        TypeError: a class without `as_view`.
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

        setattr(open_view, EXEMPT, Exemption("reveal" if reveal_user else "hide"))
        return open_view

    def decorator(view: Any) -> Any:
        return decorate_as_view(view, mark) if isinstance(view, type) else mark(view)

    return decorator if view is None else decorator(view)


@overload
def otp_required(view: View, /) -> View: ...
@overload
def otp_required(
    *, max_age: Any = None, max_body: int = kept.MAX_BODY, resume: Resume | None = None
) -> Decorator: ...
def otp_required(
    view: View | None = None,
    /,
    *,
    max_age: Any = None,
    max_body: int = kept.MAX_BODY,
    resume: Resume | None = None,
) -> Any:
    """Ask for a code before this view, also where the policy does not, or again (step-up).

    The code counts for the user for whom the view acts, and the answer is stored by no cache. Of a
    class, the views of its subclasses are protected as well.

    Args:
        max_age: how long ago the code may have been typed in, seconds or `timedelta`; None for
            any time in this login. ASVS 7.5.3: before what is sensitive, prove it again.
        max_body: how many bytes of a form (with its files) are kept until the code is typed in,
            when it goes on as it was; of a larger one the person is told at once. 0 for none.
        resume: asked before a kept request runs, with that request; sync or async. It returns True
            or None to let it run, False to refuse it (403), or the answer in its place.

    Raises:
        TypeError: a class without `as_view`.
        ValueError: `max_age` is no positive number of seconds.
    """
    limit = None if max_age is None else seconds(max_age)

    def require(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def stepped_up(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                if answer := kept.spent(request):
                    return answer
                names = await proofs.aacting(request)
                refusal = needs(request, names, limit)
                if refusal is STEP_UP:
                    # First, for a new step-up forgets what one that was given up had kept.
                    await session.abegin(request.session, step_up=True)
                    keeps = kept.may_be_kept(request)
                    if keeps:
                        await sync_to_async(kept.keep)(request, str(names[0]), limit, max_body)
                    return turn_away(request, comes_back=not keeps)
                if refusal is ONLY_REPORTED:
                    await reports.acount(request)
                elif refusal is not None:
                    return refusal
                if resume is not None and is_resumed(request):
                    is_async = iscoroutinefunction(resume)
                    ask: Any = resume if is_async else sync_to_async(resume)
                    if (refusal := refused_by(await ask(request), request)) is not None:
                        return refusal
                return uncached(await view(request, *args, **kwargs))

        else:

            @wraps(view)
            def stepped_up(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                if answer := kept.spent(request):
                    return answer
                names = proofs.acting(request)
                refusal = needs(request, names, limit)
                if refusal is STEP_UP:
                    session.begin(request.session, step_up=True)
                    keeps = kept.may_be_kept(request)
                    if keeps:
                        kept.keep(request, str(names[0]), limit, max_body)
                    return turn_away(request, comes_back=not keeps)
                if refusal is ONLY_REPORTED:
                    reports.count(request)
                elif refusal is not None:
                    return refusal
                if resume is not None and is_resumed(request):
                    is_async = iscoroutinefunction(resume)
                    ask: Any = async_to_sync(resume) if is_async else resume
                    if (refusal := refused_by(ask(request), request)) is not None:
                        return refusal
                return uncached(view(request, *args, **kwargs))

        return stepped_up

    def decorator(view: Any) -> Any:
        return decorate_dispatch(view, require) if isinstance(view, type) else require(view)

    return decorator if view is None else decorator(view)


Resume = Callable[[HttpRequest], Any]
STEP_UP, ONLY_REPORTED = object(), object()


def needs(request: HttpRequest, names: proofs.Names, max_age: int | None) -> Any:
    """Return None if the view may run, STEP_UP if a code is due, else the answer.

    ONLY_REPORTED if a code would be due, but report mode lets the view run.
    """
    status, enforced = gate_state(request).status, gate_config().mode == "enforce"
    # "half" reaches a view only by a login inside this very request, which has proved nothing.
    if status == "exempt" or (status == "half" and enforced):
        return turn_away(request)
    if names[0] is None:
        # Asked of the user and not of the mark: it outlives the user where the password changed.
        return log_in_first(request)
    standing = proofs.standing_of(request, names, max_age)
    if standing == "proved":
        return None
    if not enforced:
        log_records.write("step_up_reported", request)
        return ONLY_REPORTED
    return STEP_UP if standing == "due" else refuse_foreign(request)


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


def refuse_foreign(request: HttpRequest) -> HttpResponse:
    """Answer a view that acts for a user to whom this session does not belong: 403.

    No way to the page for the code: it would send one to the user of the session.
    """
    log_records.write("other_user_refused", request)
    text = _("This needs a login that was verified by a one-time password.")
    title, url = _("One-time password required"), settings_url("LOGIN_URL")
    return forbidden(request, "otp_required", title, text, login_url=url)


def refused_by(verdict: object, request: HttpRequest) -> Any:
    """Return the answer in place of the view, by what `resume` said; None to let it run."""
    if verdict is None or verdict is True:
        return None
    if hasattr(verdict, "headers"):
        return verdict
    log_records.write("saved_request_refused", request)
    text = _("What you sent before the code was not processed. Please send it again later.")
    return forbidden(request, "not_resumed", _("Not processed"), text)


def forbidden(request: HttpRequest, code: str, title: str, text: str, **extra: Any) -> HttpResponse:
    if kind_of(request) == JSON:
        return problem(403, code, title, text, **extra)
    response = HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")
    add_never_cache_headers(response)
    return response


def uncached(response: Any) -> Any:
    """Let no cache store this, whatever the view says: a cache cannot ask how old a code is."""
    headers = getattr(response, "headers", None)
    if headers is not None:  # django-ninja's views return what is to become a response.
        for name in [*headers]:
            if name.lower() in CACHE_ORDERS or name.lower().endswith("-cache-control"):
                del headers[name]
        headers["Expires"] = http_date()
        headers["Cache-Control"] = NEVER_STORED
    return response
