"""More ways to log in: a password reset, two admin sites, an async view, APIs that give tokens."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import alogin, get_user_model
from django.contrib.auth import views as auth_views
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse_lazy
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.request import Request
from rest_framework.response import Response

from otp_gate.decorators import otp_exempt
from tests.urls import urlpatterns as site_patterns

second_admin = admin.AdminSite(name="second")


@otp_exempt
async def async_magic_link(request: HttpRequest, username: str) -> HttpResponse:
    user = await get_user_model().objects.aget(username=username)
    await alogin(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse()


# As django-rest-knox and djoser do: the signal of a login (DELETE: of a log-out) without `login`.


@otp_exempt
def token(request: HttpRequest, username: str) -> HttpResponse:
    user = get_user_model().objects.get(username=username)
    signal = user_logged_out if request.method == "DELETE" else user_logged_in
    signal.send(sender=user.__class__, request=request, user=user)
    return HttpResponse("a token")


@otp_exempt
async def async_token(request: HttpRequest, username: str) -> HttpResponse:
    user = await get_user_model().objects.aget(username=username)
    signal = user_logged_out if request.method == "DELETE" else user_logged_in
    await signal.asend(sender=user.__class__, request=request, user=user)
    return HttpResponse("a token")


@otp_exempt
@api_view(["POST", "DELETE"])
@authentication_classes([])
def drf_token(request: Request, username: str) -> Response:
    request.user = get_user_model().objects.get(username=username)
    signal = user_logged_out if request.method == "DELETE" else user_logged_in
    signal.send(sender=request.user.__class__, request=request, user=request.user)
    return Response("a token")


urlpatterns = [
    *site_patterns,
    path("second-admin/", second_admin.urls),
    path("amagic/<str:username>/", async_magic_link),
    path("token/<str:username>/", token),
    path("atoken/<str:username>/", async_token),
    path("drf-token/<str:username>/", drf_token),
    path(
        "reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(
            post_reset_login=True,
            success_url=reverse_lazy("secret"),
            template_name="registration/login.html",
        ),
    ),
]
