"""django-mfa3: a middleware that sends whoever has no key to get one; authenticator apps only."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.urls import include, path

TITLE = "django-mfa3"
DISTRIBUTION = "django-mfa3"
APPS = ["mfa"]
MIDDLEWARE = ["mfa.middleware.MFAEnforceMiddleware"]
SETTINGS = {"MFA_DOMAIN": "example.org", "MFA_SITE_TITLE": "Bench"}
LACKS = {
    "code issued": "it sends none: authenticator apps only",
    "wrong code": "the page that says so is the project's to write",
}
BACKEND = "django.contrib.auth.backends.ModelBackend"
STEP = 30
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

guard = login_required
aguard = login_required


def urls() -> list[Any]:
    return [path("mfa/", include("mfa.urls", namespace="mfa"))]


def enrol(user: Any) -> None:
    from mfa.models import MFAKey

    MFAKey.objects.get_or_create(user=user, method="TOTP", name="app", secret=KEY)


def half(request: HttpRequest, user: Any) -> None:
    request.session["mfa_user"] = {"pk": user.pk, "backend": BACKEND}
    request.session["mfa_success_url"] = "/plain/"
    request.session["mfa_challenge"] = (None, None)


def verified(request: HttpRequest, user: Any) -> None:
    login(request, user, backend=BACKEND)


def fresh(user: Any) -> None:
    from mfa.models import MFAKey

    MFAKey.objects.update(last_code="", next_use_at=None)


def code(request: HttpRequest, user: Any) -> str:
    import pyotp

    left = STEP - time.time() % STEP
    if left < 1:
        time.sleep(left)  # As it comes, it takes no code of the step before.
    return pyotp.TOTP(KEY).now()


def verify(request: HttpRequest, user: Any, code: str) -> bool:
    """Its own view, for nothing smaller does it all."""
    from mfa.views import MFAAuthView

    request.method = "POST"
    request.POST = request.POST.copy()
    request.POST["code"] = code
    response: Any = MFAAuthView.as_view()(request, method="TOTP")
    return bool(response.status_code == 302)
