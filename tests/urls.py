"""A site with a page of every kind; the gate's pages are one line of it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from tests import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", auth_views.LoginView.as_view(), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("secret/", views.secret, name="secret"),
    path("asecret/", views.asecret, name="asecret"),
    path("class/", views.Secret.as_view(), name="class"),
    path("aclass/", views.AsyncSecret.as_view(), name="aclass"),
    path("plain/", views.plain, name="plain"),
    path("open/", views.open_page, name="open"),
    path("aopen/", views.aopen_page, name="aopen"),
    path("open-class/", views.OpenClass.as_view(), name="open-class"),
    path("reveal/", views.reveal, name="reveal"),
    path("status/", views.status, name="status"),
    path("astatus/", views.astatus, name="astatus"),
    path("step-up/", views.step_up, name="step-up"),
    path("astep-up/", views.astep_up, name="astep-up"),
    path("step-up-class/", views.StepUpClass.as_view(), name="step-up-class"),
    path("pay/", views.pay, name="pay"),
    path("any-age/", views.any_age, name="any-age"),
    path("magic/<str:username>/", views.magic_link, name="magic"),
    path("named/", include(("tests.named_urls", "named"))),
    path("files/<path:rest>", views.secret, name="files"),
    path("otp/", include("otp_gate.urls")),
    path("admin/", admin.site.urls),
]
