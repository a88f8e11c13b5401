"""The people of a contender: who asks, how far each has come, and the cookie that says so."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks import project
from benchmarks.wire import environ


class CannotDo(Exception):
    """The contender does not have this; the text says why."""


class People:
    """One user, in as many sessions as there are states and engines."""

    def __init__(self) -> None:
        self.contender = project.contender()
        self.user = self.make_user()
        self.keys: dict[tuple[str, str], str] = {}

    def make_user(self) -> Any:
        from django.contrib.auth import get_user_model

        manager: Any = get_user_model().objects
        user = manager.filter(username="alice").first()
        if user is None:
            user = manager.create_user("alice", "alice@example.org", "correct horse")
        getattr(self.contender, "enrol", lambda user: None)(user)
        return user

    def request(self, engine: str) -> Any:
        """Return a request with an empty session and nobody in it, as the middleware leaves one."""
        from django.contrib.auth.middleware import AuthenticationMiddleware
        from django.contrib.messages.storage import default_storage
        from django.core.handlers.wsgi import WSGIRequest

        request: Any = WSGIRequest(environ("/open/", ""))
        store = import_module(f"django.contrib.sessions.backends.{engine}").SessionStore
        request.session = store()
        AuthenticationMiddleware(lambda request: None).process_request(request)
        request._messages = default_storage(request)
        request._dont_enforce_csrf_checks = True
        return request

    def person(self, kind: str, engine: str) -> Any:
        """Return the request of somebody who came as far as "half" or "verified", saved."""
        request = self.request(engine)
        function = getattr(self.contender, kind, None)
        if function is None:
            raise CannotDo(f"it knows no state {kind!r}")
        function(request, self.fresh_user())
        request.session.save()
        return request

    def fresh_user(self) -> Any:
        from django.contrib.auth import get_user_model

        user: Any = get_user_model().objects.get(pk=self.user.pk)
        getattr(self.contender, "fresh", lambda user: None)(user)
        return user

    def cookie(self, kind: str, engine: str) -> str:
        if kind == "nobody":
            return ""
        if (kind, engine) not in self.keys:
            self.keys[kind, engine] = str(self.person(kind, engine).session.session_key)
        return f"sessionid={self.keys[kind, engine]}"
