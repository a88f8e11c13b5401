"""django-allauth's own pages, with its list of sessions."""

from __future__ import annotations

from typing import Any

from django.urls import include, path

from tests.urls import urlpatterns as pages

urlpatterns: list[Any] = [path("accounts/", include("allauth.urls")), *pages]
