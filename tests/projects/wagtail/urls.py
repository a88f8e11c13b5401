from __future__ import annotations

from shop.urls import urlpatterns as theirs

from tests.projects.three_lines import gate_urls

urlpatterns = [*gate_urls(), *theirs]
