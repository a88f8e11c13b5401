"""Views that look at nothing, at the session, at the user; sync and async."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests import urls


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing", headers={"ETag": '"1"'})


def session(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.session.get("basket")))


def user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


def writes(request: HttpRequest) -> HttpResponse:
    request.session["seen"] = True
    return HttpResponse("written")


async def anothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing")


async def asession(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await request.session.aget("basket")))


async def auser(request: HttpRequest) -> HttpResponse:
    return HttpResponse((await request.auser()).get_username())


urlpatterns = [
    path("nothing/", nothing),
    path("session/", session),
    path("user/", user),
    path("writes/", writes),
    path("anothing/", anothing),
    path("asession/", asession),
    path("auser/", auser),
    path("", include(urls)),
]
