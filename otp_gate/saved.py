"""A request that waits for its code: what the session says of it, and how it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.cache import add_never_cache_headers

from otp_gate import codes, session


class Kept(NamedTuple):
    """A request that a view refused until a code is typed in, as the session keeps it."""

    note: str
    """What the person is told of it."""
    place: str
    """Host and path of it."""
    way: str
    """Where to go on after the code, path and query."""
    token: str
    key: str
    user_id: str
    max_age: int | None
    """How fresh the view wants the code, in seconds."""
    dropped: bool
    """True if it took the place of another one."""
    checked: bool = False
    """True if its CSRF token was right; otherwise whoever checks further in must still do it."""
    limit: int = 0
    """How many bytes the view lets be kept."""

    @property
    def waits(self) -> bool:
        """True if it is there to go on, and not only told of."""
        return self.note == "waits"

    @property
    def id(self) -> str:
        """What the page says, to be told by its form which one it was that it spoke of."""
        return codes.token_digest(self.token)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Kept | None:
        """Return what this session keeps."""
        entry = data.get(session.KEPT)
        kinds = (*[str] * 6, int | None, bool, bool, int)
        return cls(*entry) if session.is_shaped(entry, kinds, optional=2) else None


def never_stored(response: Any) -> None:
    """Let no cache keep the answer to a request that went on, nor tell its address to others."""
    add_never_cache_headers(response)
    # Set here, it stands before the site's own, which may be stricter, but must not be laxer.
    strictest = settings.SECURE_REFERRER_POLICY == "no-referrer"
    response.headers.setdefault("Referrer-Policy", "no-referrer" if strictest else "same-origin")
