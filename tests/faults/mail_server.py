"""A mail server that refuses, hangs or hangs up, at whatever point of the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from unittest import mock

import django
from django.core import mail

from tests import servers

POINTS = ("hello", "EHLO", "MAIL", "RCPT", "DATA", "message")
MANNERS = ("refuses", "hangs", "hangs up")


@dataclass
class MailServer(servers.Mailbox):
    """Well, as long as no `point` is named; what it accepts is put into `mail.outbox`."""

    point: str = ""
    manner: str = ""
    refused: set[str] = field(default_factory=set)
    """Addresses that nobody has here."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for point, line in self.conversation(reader):
                reply = {"hello": b"220 hello", "DATA": b"354 go on"}.get(point, b"250 yes")
                if point == self.point:
                    if self.manner == "hangs":
                        await reader.read()
                    if self.manner != "refuses":
                        return
                    reply = b"554 no"
                elif point == "RCPT" and any(who.encode() in line for who in self.refused):
                    reply = b"550 nobody of that name"
                elif point == "message":
                    self.keep(line)
                writer.write(reply + b"\r\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    async def conversation(self, reader: asyncio.StreamReader) -> Any:
        """Give each thing that the client says, with the point of the conversation."""
        yield "hello", b""
        while line := await reader.readline():
            # Who is not understood in the new way of greeting tries the old one.
            point = line[:4].upper().decode().replace("HELO", "EHLO")
            yield point, line
            if point == "QUIT":
                return
            if point == "DATA" and self.point != "DATA":
                lines = []
                while (part := await reader.readline()).rstrip(b"\r\n") != b".":
                    if not part:
                        return
                    lines.append(part[1:] if part.startswith(b"..") else part)
                yield "message", b"".join(lines)

    def keep(self, source: bytes) -> None:
        message = message_from_bytes(source, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        body = message.get_body(("plain",))
        assert body is not None
        text = mail.EmailMessage(str(message["Subject"]), body.get_content(), to=[message["To"]])
        mail.outbox.append(text)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with mock.patch.object(servers, "Mailbox", MailServer), servers.mailbox() as box:
        assert isinstance(box, MailServer)
        yield box


def use_server(settings: Any, port: int, timeout: float = 10) -> None:
    """Let the project send its mail there."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    options = {"host": servers.HOST, "port": port, "timeout": timeout}
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        return
    settings.EMAIL_BACKEND = backend
    for name, value in options.items():
        setattr(settings, f"EMAIL_{name.upper()}", value)
