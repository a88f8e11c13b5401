"""Put a middleware into every chain that a test builds, without changing its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

APP = "tests.django_suite.apps.GateConfig"
MIDDLEWARE = {
    "gate": "otp_gate.middleware.OTPGateMiddleware",
    "reader": "tests.django_suite.chains.reads_session",
}


def asks_nobody(request: Any) -> bool:
    """The policy: no user needs a code."""
    return False


def reads_session(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The stand-in of the control run: middleware that reads the session, and does no more."""

    def middleware(request: Any) -> Any:
        request.session.get("_auth_user_id")
        return get_response(request)

    return middleware


def with_middleware(chain: Sequence[str], path: str) -> list[str]:
    """Return the chain with one more middleware, where README puts the gate.

    A chain that has no AuthenticationMiddleware is returned as it is: the gate needs one.
    """
    from django.contrib.auth.middleware import AuthenticationMiddleware
    from django.utils.module_loading import import_string

    found = list(chain)
    for index, name in enumerate(found):
        middleware = import_string(name)
        if isinstance(middleware, type) and issubclass(middleware, AuthenticationMiddleware):
            found.insert(index + 1, path)
            break
    return found


class Settings:
    """Django's settings as the handler reads them: MIDDLEWARE holds one more.

    Not the settings themselves: tests compare them, and override them.
    """

    def __init__(self, settings: Any, path: str) -> None:
        self._settings, self._path = settings, path

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._settings, name)
        return with_middleware(value, self._path) if name == "MIDDLEWARE" else value


def insert(path: str) -> None:
    """Put a middleware into every chain from now on."""
    from django.core.handlers import base

    base.settings = Settings(base.settings, path)
