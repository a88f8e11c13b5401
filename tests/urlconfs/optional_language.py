"""A site whose default language stands in no address."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from tests import views

urlpatterns = [
    path("otp/", include("otp_gate.urls")),
    *i18n_patterns(path("welcome/", views.secret, name="welcome"), prefix_default_language=False),
]
