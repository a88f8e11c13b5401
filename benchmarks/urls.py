"""A page that looks at nothing, one that looks at the user, and a page for everybody."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.project import contender


def as_it_is(view: Any) -> Any:
    return view


guard: Any = getattr(contender(), "guard", as_it_is)
aguard: Any = getattr(contender(), "aguard", as_it_is)


def open_to_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


@guard
def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


@guard
def user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


async def aopen(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


@aguard
async def aplain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


@aguard
async def auser(request: HttpRequest) -> HttpResponse:
    return HttpResponse((await request.auser()).get_username())


urlpatterns = [
    path("open/", open_to_all),
    path("plain/", plain),
    path("user/", user),
    path("aopen/", aopen),
    path("aplain/", aplain),
    path("auser/", auser),
    path("site/", admin.site.urls),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    *getattr(contender(), "urls", list)(),
]
