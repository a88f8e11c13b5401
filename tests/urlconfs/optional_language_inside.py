"""A site whose default language stands in no address, and the gate's pages have a language too."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from tests import views

urlpatterns = i18n_patterns(
    path("welcome/", views.secret, name="welcome"),
    path("otp/", include("otp_gate.urls")),
    prefix_default_language=False,
)
