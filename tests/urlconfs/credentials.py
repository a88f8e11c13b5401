"""Views that give a credential for a password alone, and their harmless neighbours.

The packages are not installed: what is recognised is the dotted names of the classes.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from otp_gate.decorators import otp_exempt


class Base(View):
    """Answers, and takes what views of an API take."""

    serializer_class: Any = None
    authentication_classes: Any = ()

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("token")


def named(dotted: str, base: type = Base, **given: Any) -> Any:
    """Make a class that is called as one of another package."""
    module, _, name = dotted.rpartition(".")
    return type(name, (base,), {"__module__": module, **given})


def with_dress(view: Any) -> Any:
    """A decorator that keeps nothing of the view but the way to it."""

    def dressed(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    dressed.__wrapped__ = view  # type: ignore[attr-defined]
    return dressed


def as_framework_view(cls: Any, **given: Any) -> Any:
    """What REST frameworks make of a class: a function that knows it as `cls`."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("token")

    view.cls, view.initkwargs = cls, given  # type: ignore[attr-defined]
    return view


ObtainAuthToken = named("rest_framework.authtoken.views.ObtainAuthToken")
TokenObtain = named("rest_framework_simplejwt.serializers.TokenObtainSerializer", object)
Basic = named("rest_framework.authentication.BasicAuthentication", object)
Session = named("rest_framework.authentication.SessionAuthentication", object)


class OwnToken(ObtainAuthToken):  # type: ignore[misc]
    """A project's subclass."""


class OwnBasic(Basic):  # type: ignore[misc]
    """A project's subclass."""


class OwnSerializer(TokenObtain):  # type: ignore[misc]
    """A project's subclass."""


BYPASSING = {
    "token": ObtainAuthToken.as_view(),
    "token-of-our-own": OwnToken.as_view(),
    "token-csrf-exempt": csrf_exempt(ObtainAuthToken.as_view()),
    "token-dressed": with_dress(with_dress(ObtainAuthToken.as_view())),
    "token-exempt": otp_exempt(ObtainAuthToken.as_view()),
    "token-framework": as_framework_view(ObtainAuthToken),
    "pair": named("rest_framework_simplejwt.views.TokenObtainPairView").as_view(),
    "sliding": named("rest_framework_simplejwt.views.TokenObtainSlidingView").as_view(),
    "own-jwt": named("api.Jwt", serializer_class=OwnSerializer).as_view(),
    "given-jwt": Base.as_view(serializer_class=TokenObtain),
    "old-jwt": named("rest_framework_jwt.views.ObtainJSONWebToken").as_view(),
    "rest-auth": named("dj_rest_auth.views.LoginView").as_view(),
    "knox": named("knox.views.LoginView").as_view(),
    "djoser": named("djoser.views.TokenCreateView").as_view(),
    "oauth": named("oauth2_provider.views.base.TokenView").as_view(),
    "basic": named("api.Basic", authentication_classes=[Session, OwnBasic]).as_view(),
    "basic-given": Base.as_view(authentication_classes=(Basic,)),
    "basic-framework": as_framework_view(Base, authentication_classes=[Basic]),
}

HARMLESS = {
    "login": LoginView.as_view(),
    "refresh": named("rest_framework_simplejwt.views.TokenRefreshView").as_view(),
    "session": named("api.Session", authentication_classes=[Session]).as_view(),
    "session-given": as_framework_view(
        named("api.Basic", authentication_classes=[Basic]), authentication_classes=[Session]
    ),
    "asked": named("api.Asked", authentication_classes=property(lambda self: [Basic])).as_view(),
    "same-name": named("api.ObtainAuthToken").as_view(),
}

urlpatterns = [
    *[path(f"{name}/", view, name=name) for name, view in {**BYPASSING, **HARMLESS}.items()],
    path("otp/", include("otp_gate.urls")),
]
