"""Views that want a code, under everything that lets a view act for another user."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth import aauthenticate, authenticate, get_user_model, login, logout
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.views import View
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.views import APIView

from otp_gate.decorators import otp_required
from otp_gate.drf import IsVerified
from otp_gate.state import gate_state
from otp_gate.streams import while_verified
from tests import urls, views

fresh = otp_required(max_age=300)


def credentials(request: HttpRequest) -> dict[str, str]:
    text = base64.b64decode(request.headers["Authorization"].split()[1]).decode()
    username, _, password = text.partition(":")
    return {"username": username, "password": password}


def basic(view: Any) -> Any:
    """A password with each request, checked by a decorator; by either way of asking."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def around(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            user: Any = await aauthenticate(request, **credentials(request))
            request.user, request.auser = user, answering(user)  # type: ignore[method-assign]
            return await view(request, *args, **kwargs)
    else:

        @wraps(view)
        def around(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            request.user = authenticate(request, **credentials(request))  # type: ignore[assignment]
            return view(request, *args, **kwargs)

    return around


def answering(user: Any) -> Any:
    async def auser() -> Any:
        return user

    return auser


def by_auser_alone(view: Any) -> Any:
    """Another user for those views only that ask `await request.auser()`."""

    @wraps(view)
    async def around(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = await aauthenticate(request, **credentials(request))
        request.auser = answering(user)  # type: ignore[method-assign]
        return await view(request, *args, **kwargs)

    return around


def by_user_alone(view: Any) -> Any:
    """Another user for those views only that ask `request.user`, loaded at the first look."""

    @wraps(view)
    async def around(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        given = credentials(request)
        request.user = SimpleLazyObject(lambda: authenticate(request, **given))
        return await view(request, *args, **kwargs)

    return around


def by_auser_for_sync(view: Any) -> Any:
    @wraps(view)
    def around(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = authenticate(request, **credentials(request))
        request.auser = answering(user)  # type: ignore[method-assign]
        return view(request, *args, **kwargs)

    return around


def by_cache(view: Any) -> Any:
    """Behind the promise that Django's middleware made."""

    @wraps(view)
    def around(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        request._cached_user = authenticate(request, **credentials(request))  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return around


class Exchanging:
    """A middleware that takes a password with each request; behind the gate, or before it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" in request.headers:
            request.user = authenticate(request, **credentials(request))  # type: ignore[assignment]
            request.auser = answering(request.user)  # type: ignore[method-assign]
        return self.get_response(request)


class Exchange(Exchanging):
    async_capable = False


def pay(request: HttpRequest) -> HttpResponse:
    views.RAN["pay"] += 1
    return HttpResponse(f"paid by {request.user.get_username()}")


async def apay(request: HttpRequest) -> HttpResponse:
    views.RAN["pay"] += 1
    return HttpResponse(f"paid by {(await request.auser()).get_username()}")


async def apay_by_user(request: HttpRequest) -> HttpResponse:
    views.RAN["pay"] += 1
    return HttpResponse(f"paid by {await sync_to_async(request.user.get_username)()}")


def drf_pay(request: Any) -> HttpResponse:
    return pay(request)


def api(*ways: type, inside: Callable[[Any], Any] = fresh) -> Any:
    return api_view(["GET", "POST"])(authentication_classes([*ways])(inside(drf_pay)))


class Pay(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return pay(request)

    post = get


class AsyncPay(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await apay(request)

    post = get


class ApiPay(APIView):
    authentication_classes = (BasicAuthentication,)

    @method_decorator(fresh)
    def get(self, request: Any) -> HttpResponse:
        return pay(request)

    post = get


class LogsIn(BasicAuthentication):
    """Begins a session with each password, as some projects do for their web clients."""

    def authenticate(self, request: Any) -> Any:
        found = super().authenticate(request)
        login(request._request, found[0], "django.contrib.auth.backends.ModelBackend")
        return found


class InsistsAfterLogin(APIView):
    authentication_classes = (LogsIn,)
    permission_classes = (IsVerified,)

    def get(self, request: Any) -> HttpResponse:
        return pay(request)


def half(request: HttpRequest) -> HttpResponse:
    """As the gate leaves a request in which a login has just happened."""
    gate_state(request).status = "half"
    return fresh(pay)(request)  # type: ignore[no-any-return]


class Insists(APIView):
    authentication_classes = (BasicAuthentication, SessionAuthentication)
    permission_classes = (IsVerified,)

    def get(self, request: Any) -> HttpResponse:
        return pay(request)

    post = get


AsyncProtected = otp_required(AsyncPay)

EXCHANGED: dict[str, Any] = {
    "function": basic(fresh(pay)),
    "afunction": basic(fresh(apay)),
    "class": method_decorator(basic, name="dispatch")(otp_required(Pay)).as_view(),
    "as-view": basic(otp_required(Pay).as_view()),
    "aclass": basic(AsyncProtected.as_view()),
    "auser": by_auser_alone(fresh(apay)),
    "auser-sync": by_auser_for_sync(fresh(pay)),
    "user": by_user_alone(fresh(apay_by_user)),
    "cache": by_cache(fresh(pay)),
    "drf": api(BasicAuthentication),
    "drf-method": ApiPay.as_view(),
    "drf-permission": Insists.as_view(),
}
"""By name: the views that act for the user whose password comes with the request."""


def plain(request: HttpRequest, name: str) -> HttpResponse:
    """Log somebody in, or out, and go on to what wants a code."""
    if name == "nobody":
        logout(request)
    else:
        user = get_user_model().objects.get(username=name)
        login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse(fresh(pay)(request).content)


def other_session(request: HttpRequest) -> HttpResponse:
    """As an API that names its session in a header does: the session is exchanged, not the user."""
    if "loaded" in request.GET:
        request.user = get_user_model().objects.get(pk=request.user.pk)
    request.session = type(request.session)(None)
    return fresh(pay)(request)  # type: ignore[no-any-return]


def events(who: str) -> Any:
    return iter([f"private of {who}"])


async def aevents(who: str) -> Any:
    yield f"private of {who}"


@basic
def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(while_verified(request, events(request.user.get_username())))


@basic
async def astream(request: HttpRequest) -> StreamingHttpResponse:
    who = (await request.auser()).get_username()
    return StreamingHttpResponse(while_verified(request, aevents(who)))


@by_auser_alone
async def astream_auser(request: HttpRequest) -> StreamingHttpResponse:
    who = (await request.auser()).get_username()
    return StreamingHttpResponse(while_verified(request, aevents(who)))


@by_auser_alone
async def sync_in_async(request: HttpRequest) -> StreamingHttpResponse:
    who = (await request.auser()).get_username()
    return StreamingHttpResponse(while_verified(request, events(who)))


STREAMS = {"stream": stream, "astream": astream, "astream-auser": astream_auser}

urlpatterns = [
    *[path(f"{name}/", view) for name, view in EXCHANGED.items()],
    *[path(f"{name}/", view) for name, view in STREAMS.items()],
    path("sync-in-async/", sync_in_async),
    path("pay/", fresh(pay)),
    path("apay/", fresh(apay)),
    path("any-age/", otp_required(pay)),
    path("drf-session/", api(SessionAuthentication)),
    path("log-in/<name>/", plain),
    path("other-session/", other_session),
    path("drf-login/", InsistsAfterLogin.as_view()),
    path("half/", half),
    path("", include(urls)),
]
