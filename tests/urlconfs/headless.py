"""django-allauth headless, both clients; a view of the project's own for apps; and a plain page."""

from __future__ import annotations

from typing import Any

from allauth.headless.internal.decorators import app_view
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from tests import views
from tests.urls import urlpatterns as pages


@app_view
def own(request: HttpRequest) -> JsonResponse:
    """What a project writes with allauth's decorator."""
    views.RAN["own"] += 1
    return JsonResponse({"user": request.user.get_username()})


def plain(request: HttpRequest) -> JsonResponse:
    """A page that knows nothing of allauth."""
    views.RAN["plain"] += 1
    return JsonResponse({"user": request.user.get_username()})


urlpatterns: list[Any] = [
    path("_allauth/", include("allauth.headless.urls")),
    path("own/", own, name="own"),
    path("who/", plain, name="who"),
    *pages,
]
