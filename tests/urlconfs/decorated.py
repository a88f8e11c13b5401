"""`otp_exempt` and `otp_required` in all their forms, on views of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page

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

fresh = otp_required(max_age=300)
store = cache_page(600, key_prefix="of-the-view")


def public(request: HttpRequest) -> HttpResponse:
    """What its author wants to be stored everywhere."""
    return orders(views.secret(request))


async def apublic(request: HttpRequest) -> HttpResponse:
    return orders(await views.asecret(request))


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    return orders(StreamingHttpResponse(["secret"]))


async def astreamed(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[str]:
        yield "secret"

    return orders(StreamingHttpResponse(chunks()))


def orders(response: Any) -> Any:
    response["Cache-Control"] = "public, max-age=600, s-maxage=600, immutable"
    response["Expires"] = "Fri, 01 Jan 2100 00:00:00 GMT"
    for name in ("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control"):
        response[name] = "max-age=600"
    response["X-Accel-Expires"] = "600"
    response["X-Own"] = "kept"
    return response


def lazy(request: HttpRequest) -> TemplateResponse:
    return orders(TemplateResponse(request, "otp_gate/turbo.html"))  # type: ignore[no-any-return]


CACHED: dict[str, Any] = {
    "cached-around": store(fresh(function())),
    "cached-inside": fresh(store(function())),
    "cached-around-any-age": store(otp_required(function())),
}
STORED: dict[str, Any] = {
    "public": fresh(public),
    "public-any-age": otp_required(public),
    "apublic": fresh(apublic),
    "streamed": fresh(streamed),
    "astreamed": fresh(astreamed),
    "lazy": fresh(lazy),
}

urlpatterns = [
    *[path(f"{name}/", view) for name, view in (CACHED | STORED).items()],
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
