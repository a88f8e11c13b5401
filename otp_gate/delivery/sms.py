"""By text message, through a gateway that the project names."""

from __future__ import annotations

import re

from django.template.loader import render_to_string
from django.views.decorators.debug import sensitive_variables

from otp_gate.delivery.base import Message


class SMSDelivery:
    """Base of a delivery by text message: write `send_text`, and name the class in a factor.

    The text ends in the origin-bound line (`@host #123456`) by which phones offer the code on the
    page of that host only, and not on one that looks like it.
    """

    @sensitive_variables()
    def send(self, message: Message) -> None:
        host = re.sub(r":\d+$", "", message.letterhead.domain)
        context = {
            "code": message.code,
            "reference": message.reference,
            "site_name": message.letterhead.site_name,
            "domain": host,
        }
        text = render_to_string("otp_gate/sms/code.txt", context).strip()
        self.send_text(message.destination, text)

    def send_text(self, number: str, text: str) -> None:
        """Send `text` to `number` (E.164), or raise."""
        raise NotImplementedError
