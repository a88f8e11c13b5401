"""What the pages ask of a factor, and what all factors that send a code have in common."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, Protocol

from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from otp_gate import codes, log_records, outage
from otp_gate.challenge import Challenge
from otp_gate.conf import gate_config
from otp_gate.delivery.base import Delivery, Letterhead, Message
from otp_gate.exceptions import StoreUnavailable
from otp_gate.outcomes import Outcome, Reply

logger = logging.getLogger("otp_gate")


class Factor(Protocol):
    """A way to prove it. Made once, without arguments, and used by every thread."""

    id: str
    """Short name, kept in the session and shown to programs: letters and digits only."""
    label: str | Promise
    """What people call it."""

    def missing(self, user: Any) -> str:
        """Name what this user lacks to be reached ("an email address"); "" if nothing."""

    def masked(self, user: Any) -> str:
        """Return where the code goes, so that its owner recognises it and nobody else can."""

    def send(
        self, challenge: Challenge, user: Any, letterhead: Letterhead, *, another: bool = False
    ) -> Reply:
        """Make the challenge answerable: ISSUED, ALIVE, or why not."""

    def verify(self, challenge: Challenge, user: Any, typed: object) -> Reply:
        """Check what was typed: ACCEPTED, or why not."""


@sensitive_variables()
def check(factor: Factor, challenge: Challenge, user: Any, typed: object) -> Reply:
    """Ask a factor what was typed, with every guess counted before it is compared.

    The codes that Redis holds are counted by the script that compares them. Every other factor is
    asked between two scripts, so that no factor can leave the limits out (see `Challenge.guess`).
    """
    own = getattr(factor.verify, "__func__", None)
    if own is CodeFactor.verify:
        return factor.verify(challenge, user, typed)
    reply = challenge.guess(lambda: factor.verify(challenge, user, typed), factor.id)
    return reply._replace(factor=factor.id)


def sends(factor: Factor) -> bool:
    """True for a factor that sends codes, False for one that only checks."""
    return isinstance(factor, CodeFactor)


class CodeFactor(ABC):
    """Base of the factors that send a code. Set `id`, `label`, `delivery`; write `destination`."""

    id: str
    label: str | Promise
    delivery: type[Delivery] | Delivery | str
    """A class with `send(message)`, an instance of one, or its dotted path."""

    @abstractmethod
    def destination(self, user: Any) -> str:
        """Return the stored address or number of this user, or "".

        Stored, never typed: what comes with the request belongs to whoever has the password.
        """

    @abstractmethod
    def missing(self, user: Any) -> str:
        """See `Factor`."""

    @abstractmethod
    def masked(self, user: Any) -> str:
        """See `Factor`."""

    @cached_property
    def deliver(self) -> Delivery:
        """The delivery, made on first use."""
        delivery: Any = self.delivery
        if isinstance(delivery, str):
            delivery = import_string(delivery)
        return delivery() if isinstance(delivery, type) else delivery  # type: ignore[no-any-return]

    @sensitive_variables()
    def send(
        self, challenge: Challenge, user: Any, letterhead: Letterhead, *, another: bool = False
    ) -> Reply:
        """Issue a code and hand it over; one that could not be handed over was never issued."""
        config = gate_config()
        if (wait := outage.wait()) > 0:
            return challenge.peek()._replace(outcome=Outcome.UNDELIVERABLE, retry_after=wait)
        code = codes.make_code(config.code_length)
        reply = challenge.issue(code, self.id, another=another)
        if reply.outcome is not Outcome.ISSUED:
            return reply
        try:
            self.deliver.send(
                Message(
                    user=user,
                    destination=self.destination(user),
                    code=code,
                    reference=reply.reference,
                    expires_in=config.code_ttl,
                    letterhead=letterhead,
                )
            )
        except Exception as error:  # a delivery may raise anything
            # By name alone: the traceback of a mail that failed holds the code.
            reason = type(error).__name__
            given = {"user_id": challenge.user_id, "factor": self.id, "reason": reason}
            log_records.write("delivery_failed", None, **given)
            challenge.withdraw(code, failed=True)
            outage.count()
            return challenge.peek()._replace(outcome=Outcome.UNDELIVERABLE)
        except BaseException:
            # The process is told to go, as a worker is whose mail server hangs for too long.
            try:
                challenge.withdraw(code)
            except StoreUnavailable as error:
                logger.error("Not delivered, and not taken back: %s", error)
            raise
        return reply

    @sensitive_variables()
    def verify(self, challenge: Challenge, user: Any, typed: object) -> Reply:
        """Compare; see `Challenge.answer`."""
        return challenge.answer(typed)
