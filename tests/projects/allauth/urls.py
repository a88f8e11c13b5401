from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from tests.projects.three_lines import gate_urls

urlpatterns = [
    *gate_urls(),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("admin/", admin.site.urls),
]
