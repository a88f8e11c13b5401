"""maykin-2fa: django-two-factor-auth for the admin; a user without a device is sent away."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import include, path

from benchmarks.contenders.django_otp import guard as guard
from benchmarks.contenders.django_otp import half as half
from benchmarks.contenders.django_otp import refuse as refuse
from benchmarks.contenders.django_otp import verify as verify

TITLE = "maykin-2fa"
DISTRIBUTION = "maykin-2fa"
APPS = [
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "two_factor",
    "two_factor.plugins.webauthn",
    "maykin_2fa",
]
MIDDLEWARE = ["maykin_2fa.middleware.OTPMiddleware"]
SETTINGS = {
    "TWO_FACTOR_PATCH_ADMIN": False,
    "TWO_FACTOR_WEBAUTHN_RP_NAME": "bench",
    "LOGIN_URL": "/login/",
}
LACKS = {
    "asgi": "it raises NotImplementedError",
    "code issued": "it sends none: apps and keys only",
}


def urls() -> list[Any]:
    from maykin_2fa.urls import webauthn_urlpatterns

    return [
        path("admin/", include(("maykin_2fa.urls", "maykin_2fa"))),
        path("admin/", include((webauthn_urlpatterns, "two_factor"))),
    ]


def device(user: Any) -> Any:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    return TOTPDevice.objects.get_or_create(user=user, name="default", confirmed=True)[0]


enrol = device


def verified(request: HttpRequest, user: Any) -> None:
    from django.contrib.auth import login
    from django_otp import login as otp_login

    login(request, user)
    otp_login(request, device(user))


def fresh(user: Any) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    TOTPDevice.objects.update(
        last_t=-1, throttling_failure_count=0, throttling_failure_timestamp=None
    )


def code(request: HttpRequest, user: Any) -> str:
    from django_otp.oath import totp

    return str(totp(device(user).bin_key)).zfill(6)
