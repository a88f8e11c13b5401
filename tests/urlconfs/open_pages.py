"""Exempt pages of every kind, and what stands beside them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import engines
from django.urls import include, path

from otp_gate.decorators import otp_exempt
from tests import urls, views

TEXT = "user: {{ user }}, staff: {{ user.is_staff }}, in: {{ user.is_authenticated }}, "
TEXT += "may: {{ perms.auth.view_user|default:False }}"


@otp_exempt
def template(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(TEXT).render({}, request))


@otp_exempt
async def atemplate(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(TEXT).render({}, request))


class OwnDispatch(views.OpenClass):
    """A subclass that decides for itself is not exempt by its parent."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        views.RAN["own-dispatch"] += 1
        return super().dispatch(request, *args, **kwargs)


urlpatterns = [
    path("template/", template),
    path("atemplate/", atemplate),
    path("members/", otp_exempt(login_required(views.secret))),
    path("amembers/", otp_exempt(login_required(views.asecret))),
    path("open-twin/", otp_exempt(views.secret)),
    path("twin/", views.secret),
    path("own-dispatch/", OwnDispatch.as_view()),
    path("", include(urls)),
]
