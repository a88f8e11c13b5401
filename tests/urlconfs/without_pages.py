"""A site that forgot the third of the three lines."""

from __future__ import annotations

from django.urls import path

from tests import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.home, name="login"),
    path("secret/", views.secret, name="secret"),
]
