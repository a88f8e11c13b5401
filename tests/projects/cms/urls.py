from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from tests.projects.three_lines import gate_urls

urlpatterns = [
    *gate_urls(),
    *i18n_patterns(path("admin/", admin.site.urls), path("", include("cms.urls"))),
]
