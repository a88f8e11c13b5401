"""The codes that left for people, seen on their way; every delivery does what it always does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from otp_gate.delivery.base import Message
from otp_gate.signals import code_sent


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCode:
    """One code that was handed over to a delivery."""

    user: Any
    code: str
    reference: str
    """Two characters that stand on the page as well."""
    factor: str
    """The id of the factor ("email")."""
    destination: str
    """The email address, the phone number."""


@contextmanager
def sent_codes() -> Iterator[list[SentCode]]:
    """Collect the codes that are sent meanwhile, oldest first; those not delivered are none."""
    codes: list[SentCode] = []
    written: list[Message] = []
    write = Message.__init__

    def watched(self: Message, *args: Any, **kwargs: Any) -> None:
        write(self, *args, **kwargs)
        written.append(self)

    def sent(*, user: Any, factor: str, reference: str, **_: object) -> None:
        named = (user.pk, reference)
        found = (item for item in reversed(written) if (item.user.pk, item.reference) == named)
        # A factor that writes no `Message` has no code that could be known here.
        if message := next(found, None):
            codes.append(
                SentCode(
                    user=user,
                    code=message.code,
                    reference=reference,
                    factor=factor,
                    destination=message.destination,
                )
            )

    # At the message, and not at a delivery: a project may have any, made at any time.
    Message.__init__ = watched  # type: ignore[method-assign]
    code_sent.connect(sent)
    try:
        yield codes
    finally:
        code_sent.disconnect(sent)
        Message.__init__ = write  # type: ignore[method-assign]
