"""A login, a page and the gate."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import include, path

from tests import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", auth_views.LoginView.as_view(), name="login"),
    path("secret/", views.secret, name="secret"),
    path("asecret/", views.asecret, name="asecret"),
    path("otp/", include("otp_gate.urls")),
]
