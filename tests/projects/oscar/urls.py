from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

from tests.projects.three_lines import gate_urls

urlpatterns = [
    *gate_urls(),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
