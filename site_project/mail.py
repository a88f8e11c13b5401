"""Mails in the terminal, as a person reads them."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    """Django's console backend without the HTML part, under which a code would scroll away."""

    def write_message(self, message: EmailMessage) -> None:
        rule = "-" * 79
        to = ", ".join(message.to)
        self.stream.write(
            f"{rule}\nTo: {to}\nSubject: {message.subject}\n\n{message.body}\n{rule}\n"
        )
