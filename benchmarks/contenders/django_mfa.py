"""django-mfa: a middleware over every URL; a code by email."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest
from django.urls import include, path

TITLE = "django-mfa"
DISTRIBUTION = "django-mfa"
APPS = ["django_mfa"]
MIDDLEWARE = ["django_mfa.middleware.MfaMiddleware"]
SETTINGS = {
    "MFA_FACTORS": ["email", "recovery_codes"],
    "MFA_REQUIRED": True,
    "MFA_EXEMPT_PATHS": ["/logout/"],
}
LACKS = {"code issued": "the mail is part of it"}


def urls() -> list[Any]:
    return [path("mfa/", include("django_mfa.urls"))]


def enrol(user: Any) -> None:
    from django_mfa.models import Authenticator

    Authenticator.objects.get_or_create(user=user, type="email", data={"address": user.email})


def half(request: HttpRequest, user: Any) -> None:
    login(request, user)


def verified(request: HttpRequest, user: Any) -> None:
    from django_mfa import session

    login(request, user)
    session.mark_verified(request, "email")


def fresh(user: Any) -> None:
    from django_mfa.models import RateLimitCounter

    RateLimitCounter.objects.all().delete()


def send(request: HttpRequest, user: Any) -> str:
    from django.core import mail
    from django_mfa.registry import registry

    registry.get("email").begin_verify(request, user)
    found = re.search(r"\b\d{6}\b", str(mail.outbox[-1].body))
    return found[0] if found else ""


def verify(request: HttpRequest, user: Any, code: str) -> bool:
    from django_mfa import session
    from django_mfa.flows import attempt_verify

    attempt_verify(request, user, "email", {"code": code})
    return session.is_verified(request)


def refuse(request: HttpRequest, user: Any) -> None:
    verify(request, user, "000000x")
