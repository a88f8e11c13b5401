"""As django-user-sessions: in place of a session that is gone `load` stores an empty one at once."""

from __future__ import annotations

from typing import Any

from tests.engines import noting


class SessionStore(noting.SessionStore):
    def load(self) -> Any:
        data = super().load()
        if self.session_key is None:
            self._session_cache = {}
            self.create()
            return {}
        return data

    async def aload(self) -> Any:
        data = await super().aload()
        if self.session_key is None:
            self._session_cache = {}
            await self.acreate()
            return {}
        return data
