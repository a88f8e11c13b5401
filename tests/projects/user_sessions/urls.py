from __future__ import annotations

from django.urls import include, path

from tests.projects.qsessions.urls import urlpatterns as pages
from tests.projects.three_lines import gate_urls

urlpatterns = [*gate_urls(), *pages[len(gate_urls()) :], path("", include("user_sessions.urls"))]
