"""A browser on an ASGI server; the one of `tests.browsers` needs packages that are not here."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient


class AsyncBrowser(AsyncClient):
    """Driven as if it were Django's `Client`; Django's own names one host only."""

    def __init__(self, host: str) -> None:
        super().__init__(raise_request_exception=False)
        self.host = host.encode()

    def _base_scope(self, **request: Any) -> Any:
        scope = super()._base_scope(**request)
        named = [
            (name, self.host if name == b"host" else value) for name, value in scope["headers"]
        ]
        return {**scope, "headers": named}

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return async_to_sync(super().get)(*args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        return async_to_sync(super().post)(*args, **kwargs)
