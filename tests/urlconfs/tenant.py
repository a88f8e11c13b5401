"""The URLconf of a tenant, which has never heard of the gate's pages."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import path

from tests import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", auth_views.LoginView.as_view(), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("open/", views.secret),  # What is open on the main site is not open here.
    path("secret/", views.open_page),
    path("tenant/", views.secret),
]
