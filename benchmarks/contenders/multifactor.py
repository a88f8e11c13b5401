"""django-multifactor: a decorator on each view; an authenticator app, and a fallback by email."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.urls import include, path

TITLE = "django-multifactor"
DISTRIBUTION = "django-multifactor"
APPS = ["multifactor"]
LACKS = {
    "asgi, verified": "its decorator is for sync views",
    "asgi, turned away": "its decorator is for sync views",
    "code issued": "the mail is part of it",
}
SENT = "multifactor-fallback-otp"


def guard(view: Any) -> Any:
    from multifactor.decorators import multifactor_protected

    return login_required(multifactor_protected(factors=1)(view))


def urls() -> list[Any]:
    return [path("multifactor/", include("multifactor.urls"))]


def enrol(user: Any) -> None:
    from multifactor.models import UserKey

    UserKey.objects.get_or_create(user=user, key_type="TOTP", enabled=True)


def half(request: HttpRequest, user: Any) -> None:
    login(request, user)


def verified(request: HttpRequest, user: Any) -> None:
    from multifactor.common import write_session
    from multifactor.models import UserKey

    login(request, user)
    write_session(request, UserKey.objects.get(user=user))


def fresh(user: Any) -> None:
    from multifactor.models import AuthAttempt

    AuthAttempt.objects.all().delete()


def view(request: HttpRequest, **posted: str) -> Any:
    from multifactor.factors.fallback import Auth

    request.method = "POST" if posted else "GET"
    request.POST = request.POST.copy()  # type: ignore[assignment]
    for name, value in posted.items():
        request.POST[name] = value  # type: ignore[index]
    return Auth.as_view()(request)


def send(request: HttpRequest, user: Any) -> str:
    view(request)
    return str(request.session[SENT])


def verify(request: HttpRequest, user: Any, code: str) -> bool:
    view(request, otp=code)
    return bool(request.session.get("multifactor"))


def refuse(request: HttpRequest, user: Any) -> None:
    view(request, otp="x")
