"""As django-qsessions: a changed address is noted in `load`, and stored with the next save."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    address: ClassVar[str] = "the first address"

    def note(self, data: Any) -> Any:
        if data.get("address") != self.address:
            self.modified = True
        return data

    def load(self) -> Any:
        return self.note(super().load())

    async def aload(self) -> Any:
        return self.note(await super().aload())

    def save(self, must_create: bool = False) -> None:
        self["address"] = self.address
        super().save(must_create)

    async def asave(self, must_create: bool = False) -> None:
        await self.aset("address", self.address)
        await super().asave(must_create)
