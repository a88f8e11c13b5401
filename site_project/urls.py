"""Django's own login, the site's pages, and the gate as one line."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from site_project import views

urlpatterns = [
    path("", views.home, name="home"),
    path("staff/", views.staff, name="staff"),
    path("api/me/", views.me, name="api-me"),
    path("about/", views.about, name="about"),
    path("step-up/", views.step_up, name="step-up"),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("otp/", include("otp_gate.urls")),
    path("admin/", admin.site.urls),
]
