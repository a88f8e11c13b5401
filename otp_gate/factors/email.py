"""A code by email, to the address that is stored for the user."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from otp_gate.delivery.email import EmailDelivery, address_of, is_writable, masked
from otp_gate.factors.base import CodeFactor


class EmailCode(CodeFactor):
    """The default factor. Two-step verification, not an out-of-band factor in NIST's sense."""

    id = "email"
    label = pgettext_lazy("otp_gate", "Email")
    delivery = EmailDelivery

    def destination(self, user: Any) -> str:
        return address_of(user)

    def missing(self, user: Any) -> str:
        address = self.destination(user)
        if "@" not in address:
            return _("an email address")
        return "" if is_writable(address) else _("an email address that we can write to")

    def masked(self, user: Any) -> str:
        return masked(self.destination(user))
