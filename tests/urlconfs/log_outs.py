"""Log-outs as packages and projects write them, and pages that only look like one."""

from __future__ import annotations

from functools import partial, wraps
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from tests import views


def user_logout(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("out")


def leave(request: HttpRequest) -> HttpResponse:
    """Known by what it does, and by no name."""
    logout(request)
    return HttpResponse("out")


def forget(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponse("out")


def decorated(view: Any) -> Any:
    @wraps(view)
    def inner(request: HttpRequest) -> Any:
        return view(request)

    return inner


class LogoutInitView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("out")


class EndSession(LogoutInitView):
    """By an ancestor."""


@method_decorator(never_cache, name="dispatch")
class LogoutView(View):
    """With a decorated `dispatch`, which hides the class behind it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("out")


class Leave(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        logout(request)
        return HttpResponse("out")


class Callable:
    """A view that is an object, and has neither a name nor code of its own."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("a page")


def profile(request: HttpRequest) -> HttpResponse:
    """Logs out by a POST only."""
    if request.method == "POST":
        logout(request)
    return HttpResponse("profile")


def blogoutreach(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


OUT = {
    "cas/out/": path("cas/out/", views.plain, name="cas_ng_logout"),
    "saml/": path("saml/", LogoutInitView.as_view(), name="saml2_ls"),
    "ls/": path("ls/", LogoutView.as_view(), name="saml2_single"),
    "end/": path("end/", EndSession.as_view(), name="end"),
    "loginas/": path("loginas/", user_logout, name="loginas-out"),
    "off/": path("off/", views.plain, name="LogOff"),
    "leave/": path("leave/", leave, name="leave"),
    "leave/decorated/": path("leave/decorated/", decorated(leave), name="x"),
    "leave/partial/": path("leave/partial/", partial(leave), name="x"),
    "leave/class/": path("leave/class/", Leave.as_view(), name="x"),
    "forget/": path("forget/", forget),
}
PAGES = {
    "profile/": path("profile/", profile, name="profile"),
    "blogoutreach/": path("blogoutreach/", blogoutreach, name="blogoutreach"),
    "callable/": path("callable/", Callable(), name="callable"),
    "cls/": path("cls/", View.as_view(), name="cls"),
}
urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.home, name="login"),
    *OUT.values(),
    *PAGES.values(),
    path("otp/", include("otp_gate.urls")),
]
