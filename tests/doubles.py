"""Factors and deliveries of the project that the suite runs in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from django.core.mail.backends.base import BaseEmailBackend
from fakeredis import FakeRedisConnection
from redis.exceptions import ResponseError

from otp_gate.delivery.base import Message
from otp_gate.delivery.sms import SMSDelivery
from otp_gate.factors.base import CodeFactor
from otp_gate.factors.sms import SMSCode

EMAIL = "otp_gate.factors.email.EmailCode"


class Gateway(SMSDelivery):
    """Keeps the text messages instead of sending them."""

    sent: ClassVar[list[tuple[str, str]]] = []

    def send_text(self, number: str, text: str) -> None:
        self.sent.append((number, text))


class TextMessage(SMSCode):
    """Writes to the number that the tests keep in the last name."""

    delivery = Gateway
    prefixes = ("+49", "+1")

    def number(self, user: Any) -> str:
        return str(user.last_name)


class Broken:
    """A delivery that raises whatever it is told to, with the code in its text."""

    error: ClassVar[type[Exception]] = OSError
    messages: ClassVar[list[Message]] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)
        raise self.error(f"could not send {message.code} to {message.destination}")


class Carrier(CodeFactor):
    """Reaches everybody, but its delivery is broken."""

    id = "carrier"
    label = "Carrier pigeon"
    delivery = "tests.doubles.Broken"

    def destination(self, user: Any) -> str:
        return "the roof"

    def missing(self, user: Any) -> str:
        return ""

    def masked(self, user: Any) -> str:
        return ""


class PostOffice(BaseEmailBackend):
    """Stores what it is given, and says 0, as django-post-office does of what it has queued."""

    __module__ = "post_office.backends"
    queued: ClassVar[list[Any]] = []

    def send_messages(self, email_messages: Any) -> int:
        self.queued += email_messages
        return 0


class Silent(BaseEmailBackend):
    """Sends nothing, and says so."""

    def send_messages(self, email_messages: Any) -> int:
        return 0


class EmailLog(BaseEmailBackend):
    """Stores what it sends, as django-email-log does."""

    __module__ = "email_log.backends"


class EvictingRedis(FakeRedisConnection):
    """A connection to a Redis that deletes keys when memory is short, as it says in INFO."""

    def send_command(self, *args: Any, **kwargs: Any) -> None:
        self.asked = args[0]
        super().send_command(*args, **kwargs)

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        if self.asked != "INFO":
            return super().read_response(*args, **kwargs)
        with suppress(ResponseError):  # The fake does not know the question.
            super().read_response(*args, **kwargs)
        return "maxmemory:1000000\r\nmaxmemory_policy:allkeys-lru\r\n"
