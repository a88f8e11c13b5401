"""A session gets another key each time that it is loaded, and the old key is gone."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    def load(self) -> Any:
        data = super().load()
        if data:
            self._session_cache = data
            self.cycle_key()
        return data

    async def aload(self) -> Any:
        return await sync_to_async(self.load)()
