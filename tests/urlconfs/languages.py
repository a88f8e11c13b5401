"""A site whose every address starts with a language, the gate's pages too."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.i18n import set_language

from tests import views

urlpatterns = [
    path("i18n/setlang/", set_language, name="set_language"),
    *i18n_patterns(
        path("", views.home, name="home"),
        path("login/", auth_views.LoginView.as_view(), name="login"),
        path("secret/", views.secret, name="secret"),
        path("open/", views.open_page, name="open"),
        path("otp/", include("otp_gate.urls")),
    ),
]
