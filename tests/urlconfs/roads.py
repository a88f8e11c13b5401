"""More ways to log in: a password reset, two admin sites, an async view."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import alogin, get_user_model
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse_lazy

from otp_gate.decorators import otp_exempt
from tests.urls import urlpatterns as site_patterns

second_admin = admin.AdminSite(name="second")


@otp_exempt
async def async_magic_link(request: HttpRequest, username: str) -> HttpResponse:
    user = await get_user_model().objects.aget(username=username)
    await alogin(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse()


urlpatterns = [
    *site_patterns,
    path("second-admin/", second_admin.urls),
    path("amagic/<str:username>/", async_magic_link),
    path(
        "reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(
            post_reset_login=True,
            success_url=reverse_lazy("secret"),
            template_name="registration/login.html",
        ),
    ),
]
