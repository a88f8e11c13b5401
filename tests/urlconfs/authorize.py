"""The authorisation view of django-oauth-toolkit, by its name, and a project's subclass of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path
from django.views import View

from tests import views


class AuthorizationView(View):
    """Answers as that of the package does."""

    def get(self, request: HttpRequest) -> HttpResponse:
        error = "none" if request.user.is_authenticated else "login_required"
        return HttpResponseRedirect(f"https://client.example/?error={error}")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("allowed")


AuthorizationView.__module__ = "oauth2_provider.views.base"


class Ours(AuthorizationView):
    """A project's own."""


urlpatterns = [
    path("authorize/", AuthorizationView.as_view()),
    path("authorize/ours/", Ours.as_view()),
    path("secret/", views.secret, name="secret"),
    path("", views.home, name="home"),
    path("login/", views.home, name="login"),
    path("otp/", include("otp_gate.urls")),
]
