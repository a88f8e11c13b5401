"""A site whose pattern for everything stands before the gate's own pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests import views


def caught(request: HttpRequest, rest: str) -> HttpResponse:
    return HttpResponse("caught")


urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.home, name="login"),
    path("secret/", views.secret, name="secret"),
    path("<path:rest>", caught),
    path("otp/", include("otp_gate.urls")),
]
