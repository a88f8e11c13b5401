from __future__ import annotations

from django.contrib import admin
from django.urls import path

from tests.projects.three_lines import gate_urls

urlpatterns = [*gate_urls(), path("admin/", admin.site.urls)]
