"""django-otp: a middleware that knows, and a decorator on each view; a code by email."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest

TITLE = "django-otp"
DISTRIBUTION = "django-otp"
APPS = ["django_otp", "django_otp.plugins.otp_email"]
MIDDLEWARE = ["django_otp.middleware.OTPMiddleware"]
SETTINGS = {"OTP_EMAIL_COOLDOWN_DURATION": 0}


def guard(view: Any) -> Any:
    from django_otp.decorators import otp_required

    return otp_required(view)


def aguard(view: Any) -> Any:
    """Its decorator is for sync views: an async one asks by itself."""
    from functools import wraps

    from django.contrib.auth.views import redirect_to_login

    @wraps(view)
    async def guarded(request: HttpRequest) -> Any:
        user: Any = await request.auser()
        if not user.is_verified():
            return redirect_to_login(request.get_full_path())
        return await view(request)

    return guarded


def device(user: Any) -> Any:
    from django_otp.plugins.otp_email.models import EmailDevice

    return EmailDevice.objects.get_or_create(user=user, name="mail")[0]


enrol = device


def half(request: HttpRequest, user: Any) -> None:
    login(request, user)


def verified(request: HttpRequest, user: Any) -> None:
    from django_otp import login as otp_login

    login(request, user)
    otp_login(request, device(user))


def fresh(user: Any) -> None:
    from django_otp.plugins.otp_email.models import EmailDevice

    EmailDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def issue(request: HttpRequest, user: Any) -> str:
    own = own_device(user)
    own.generate_token(valid_secs=300)
    return str(own.token)


def send(request: HttpRequest, user: Any) -> str:
    own = own_device(user)
    own.generate_challenge()
    return str(own.token)


def own_device(user: Any) -> Any:
    from django_otp.plugins.otp_email.models import EmailDevice

    return EmailDevice.objects.get(user=user)


def verify(request: HttpRequest, user: Any, code: str) -> bool:
    from django_otp import login as otp_login
    from django_otp import match_token

    found = match_token(user, code)
    if found is None:
        return False
    # What its form does: log in once more, with the device.
    user.otp_device = found
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    otp_login(request, found)
    return True


def refuse(request: HttpRequest, user: Any) -> None:
    from django_otp import match_token

    match_token(user, "x")
