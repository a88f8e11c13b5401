"""django-allauth[mfa]: a code by email after every password, inside its own login."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.urls import include, path

TITLE = "django-allauth[mfa]"
DISTRIBUTION = "django-allauth"
APPS = ["allauth", "allauth.account", "allauth.mfa"]
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
SETTINGS = {
    "AUTHENTICATION_BACKENDS": [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    "ACCOUNT_LOGIN_BY_CODE_REQUIRED": True,
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "LOGIN_URL": "/accounts/login/",
}
LACKS = {"code issued": "the mail is part of it"}
BACKEND = "django.contrib.auth.backends.ModelBackend"

guard = login_required
aguard = login_required


def urls() -> list[Any]:
    return [path("accounts/", include("allauth.urls"))]


def enrol(user: Any) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True, primary=True)


def begin(request: HttpRequest, user: Any) -> None:
    """Issuing is part of the login, so before it there is nobody."""


def half(request: HttpRequest, user: Any) -> None:
    send(request, user)


def verified(request: HttpRequest, user: Any) -> None:
    login(request, user, backend=BACKEND)


def send(request: HttpRequest, user: Any) -> str:
    from allauth.account.internal.flows.login import perform_login
    from allauth.account.models import Login
    from allauth.core import context
    from django.core import mail

    user.backend = BACKEND
    with context.request_context(request):
        perform_login(request, Login(user=user, email=user.email))
    found = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    return found[1] if found else ""


def verify(request: HttpRequest, user: Any, code: str) -> bool:
    from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
    from allauth.account.internal.stagekit import get_pending_stage
    from allauth.account.forms import ConfirmLoginCodeForm
    from allauth.core import context

    with context.request_context(request):
        process = LoginCodeVerificationProcess.resume(get_pending_stage(request))
        form = ConfirmLoginCodeForm(data={"code": code}, code=process.code)
        if not form.is_valid():
            process.record_invalid_attempt()
            return False
        process.finish(redirect_url=None)
    return bool(request.user.is_authenticated)


def refuse(request: HttpRequest, user: Any) -> None:
    verify(request, user, "x")
