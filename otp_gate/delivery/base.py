"""The small protocol that every delivery keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """From which site a message comes."""

    site_name: str
    domain: str
    """Host with port, as people see it."""
    disown_url: str = ""
    """Absolute URL of the "this wasn't me" page; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One code on its way to one person."""

    user: Any
    destination: str
    """An email address, a phone number: whatever the factor's `destination` gave."""
    code: str = field(repr=False)
    reference: str
    """Two characters that stand on the page as well: which code is meant."""
    expires_in: int
    """Seconds."""
    letterhead: Letterhead


class Delivery(Protocol):
    """A way to a person. Made once, without arguments, and used by every thread."""

    def send(self, message: Message) -> None:
        """Hand the message over, or raise `DeliveryError` (or anything else).

        A return means that the message is on its way. What is raised is logged by the name of
        its class alone, since a traceback may hold the code. It costs the person no code, but the
        next try waits, and failures have a budget of their own.
        """
