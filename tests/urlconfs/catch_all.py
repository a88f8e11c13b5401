"""The URLconf of a tenant with a page for every path (a CMS)."""

from __future__ import annotations

from django.urls import path

from tests import views

urlpatterns = [path("<path:rest>", views.secret), path("", views.secret)]
