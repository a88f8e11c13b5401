"""In the terminal, for development: one line, without a mail around it."""

from __future__ import annotations

import sys

from django.views.decorators.debug import sensitive_variables

from otp_gate.delivery.base import Message


class ConsoleDelivery:
    """Prints the code to standard error, where the development server logs its requests."""

    @sensitive_variables()
    def send(self, message: Message) -> None:
        print(  # noqa: T201 - printing is what it is for
            f"One-time code for {message.user.get_username()}: {message.code} "
            f"(reference {message.reference}, valid for {message.expires_in} seconds)",
            file=sys.stderr,
            flush=True,
        )
