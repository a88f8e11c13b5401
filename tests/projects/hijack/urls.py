from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.projects.three_lines import gate_urls


def account(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"account of {request.user.get_username() or 'nobody'}")


urlpatterns = [
    *gate_urls(),
    path("hijack/", include("hijack.urls")),
    path("account/", account),
    path("admin/", admin.site.urls),
]
