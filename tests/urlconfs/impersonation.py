"""django-hijack on the site, and tools of other people's that do the same in their own way."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import alogin, get_user_model, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

from otp_gate.decorators import otp_exempt
from otp_gate.impersonation import carry_back, carry_over
from tests import urls
from tests.middlewares import BACKEND


def become(request: HttpRequest, username: str) -> HttpResponse:
    """As a project wrote it: log in, carry over."""
    login(request, get_user_model().objects.get(username=username), backend=BACKEND)
    return HttpResponse(str(carry_over(request)))


async def abecome(request: HttpRequest, username: str) -> HttpResponse:
    user = await get_user_model().objects.aget(username=username)
    await alogin(request, user, backend=BACKEND)
    return HttpResponse(str(carry_over(request)))


def come_back(request: HttpRequest, username: str) -> HttpResponse:
    """As django-loginas does: log out first, then log in as who was there before."""
    logout(request)
    login(request, get_user_model().objects.get(username=username), backend=BACKEND)
    return HttpResponse(str(carry_back(request)))


async def acome_back(request: HttpRequest, username: str) -> HttpResponse:
    user = await get_user_model().objects.aget(username=username)
    await alogin(request, user, backend=BACKEND)
    return HttpResponse(str(carry_back(request)))


def lend(request: HttpRequest, username: str) -> HttpResponse:
    """As django-impersonate does: nobody is logged in, each request is given another user."""
    user: Any = get_user_model().objects.get(username=username)
    request.session["lent"] = username
    return HttpResponse(str(carry_over(request, user)))


def take_back(request: HttpRequest) -> HttpResponse:
    request.session.pop("lent", None)
    return HttpResponse(str(carry_back(request)))


def log_out_and_carry(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse(f"{carry_over(request)} {carry_back(request)}")


def release(request: HttpRequest) -> Any:
    from hijack.views import ReleaseUserView

    return ReleaseUserView.as_view()(request)


def too_early(request: HttpRequest) -> HttpResponse:
    """Carries over before anybody is logged in."""
    carry_over(request)
    login(request, get_user_model().objects.get(username="bob"), backend=BACKEND)
    return HttpResponseRedirect("/secret/")


urlpatterns = [
    path("hijack/", include("hijack.urls")),
    path("open-release/", otp_exempt(reveal_user=True)(release)),
    path("become/<str:username>/", become),
    path("abecome/<str:username>/", abecome),
    path("open-become/<str:username>/", otp_exempt(become)),
    path("seen-become/<str:username>/", otp_exempt(reveal_user=True)(become)),
    path("come-back/<str:username>/", come_back),
    path("acome-back/<str:username>/", acome_back),
    path("lend/<str:username>/", lend),
    path("take-back/", take_back),
    path("log-out-and-carry/", log_out_and_carry),
    path("too-early/", too_early),
    path("", include(urls)),
]
