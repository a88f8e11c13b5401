"""A login that greets, and a page that shows what was said."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from otp_gate.decorators import otp_exempt
from tests import urls
from tests.middlewares import BACKEND


@otp_exempt
def greet(request: HttpRequest, username: str) -> HttpResponse:
    login(request, get_user_model().objects.get(username=username), backend=BACKEND)
    messages.success(request, f"Welcome, {username}")
    return HttpResponse()


def show(request: HttpRequest) -> HttpResponse:
    return HttpResponse(", ".join(str(message) for message in messages.get_messages(request)))


urlpatterns = [
    path("greet/<str:username>/", greet),
    path("messages/", show),
    path("", include(urls)),
]
