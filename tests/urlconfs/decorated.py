"""`otp_exempt` and `otp_required` in all their forms, on views of every kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

from otp_gate.decorators import otp_exempt, otp_required
from tests import urls, views

DECORATORS: dict[str, Callable[[Any], Any]] = {
    "exempt": otp_exempt,
    "exempt-called": otp_exempt(),
    "exempt-hidden": otp_exempt(reveal_user=False),
    "reveal": otp_exempt(reveal_user=True),
    "required": otp_required,
    "required-called": otp_required(),
    "required-ever": otp_required(max_age=None),
    "required-300": otp_required(max_age=300),
    "required-delta": otp_required(max_age=timedelta(minutes=5)),
}


def function() -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        """A view."""
        return views.secret(request)

    return view


def async_function() -> Any:
    async def view(request: HttpRequest) -> HttpResponse:
        """A view."""
        return await views.asecret(request)

    return view


def class_view() -> Any:
    class Secret(views.Secret):
        """A view."""

    return Secret


def async_class_view() -> Any:
    class AsyncSecret(views.AsyncSecret):
        """A view."""

    return AsyncSecret


def late_async_class(decorate: Callable[[Any], Any]) -> Any:
    """The decorated class has no handler yet; its child makes it async."""

    @decorate
    class Base(View):
        pass

    class Child(Base):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return await views.asecret(request)

    return Child.as_view()


KINDS: dict[str, Callable[[Callable[[Any], Any]], Any]] = {
    "function": lambda decorate: decorate(function()),
    "async-function": lambda decorate: decorate(async_function()),
    "class": lambda decorate: decorate(class_view()).as_view(),
    "async-class": lambda decorate: decorate(async_class_view()).as_view(),
    "late-async-class": late_async_class,
    "as-view": lambda decorate: decorate(class_view().as_view()),
    "async-as-view": lambda decorate: decorate(async_class_view().as_view()),
    "method": lambda decorate: method_decorator(decorate, name="dispatch")(class_view()).as_view(),
}

urlpatterns = [
    *[
        path(f"{name}/{kind}/", make(decorate))
        for name, decorate in DECORATORS.items()
        for kind, make in KINDS.items()
    ],
    path("both/", otp_exempt(otp_required(function()))),
    path("both-revealed/", otp_exempt(reveal_user=True)(otp_required(function()))),
    path("no-age/", otp_required(max_age=1)(function())),
    path("", include(urls)),
]
