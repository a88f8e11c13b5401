"""django-two-factor-auth: django-otp with pages; a code by text message, to a fake gateway."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest
from django.urls import include, path

from benchmarks.contenders.django_otp import MIDDLEWARE as MIDDLEWARE
from benchmarks.contenders.django_otp import aguard as aguard
from benchmarks.contenders.django_otp import guard as guard
from benchmarks.contenders.django_otp import half as half
from benchmarks.contenders.django_otp import refuse as refuse
from benchmarks.contenders.django_otp import verify as verify

TITLE = "django-two-factor-auth"
DISTRIBUTION = "django-two-factor-auth"
APPS = [
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "two_factor",
    "two_factor.plugins.phonenumber",
]
SETTINGS = {"TWO_FACTOR_SMS_GATEWAY": "two_factor.gateways.fake.Fake", "LOGIN_URL": "/login/"}
LACKS = {"code issued and mailed": "here it is a text message"}


def urls() -> list[Any]:
    from two_factor.urls import urlpatterns

    return [path("two/", include(urlpatterns))]


def device(user: Any) -> Any:
    from two_factor.plugins.phonenumber.models import PhoneDevice

    return PhoneDevice.objects.get_or_create(
        user=user, name="default", method="sms", number="+491701234567", confirmed=True
    )[0]


enrol = device


def verified(request: HttpRequest, user: Any) -> None:
    from django_otp import login as otp_login

    login(request, user)
    otp_login(request, device(user))


def fresh(user: Any) -> None:
    from two_factor.plugins.phonenumber.models import PhoneDevice

    PhoneDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def issue(request: HttpRequest, user: Any) -> str:
    from django_otp.oath import totp
    from two_factor.plugins.phonenumber.models import PhoneDevice

    own = PhoneDevice.objects.get(user=user)
    own.generate_challenge()
    return str(totp(own.bin_key)).zfill(6)
