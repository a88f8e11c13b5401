"""An API on a site that has forgotten the pages of the gate."""

from __future__ import annotations

from django.urls import path

from tests.urlconfs.api import Secret

urlpatterns = [path("api/", Secret.as_view())]
