"""A site that signs out by a GET, by a view of its own."""

from __future__ import annotations

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path

from tests import urls


def sign_out(request: HttpRequest) -> HttpResponseRedirect:
    logout(request)
    return HttpResponseRedirect("/login/")


urlpatterns = [path("signout/", sign_out, name="logout"), *urls.urlpatterns]
