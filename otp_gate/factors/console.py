"""A code in the terminal, for development."""

from __future__ import annotations

from typing import Any

from django.utils.translation import pgettext_lazy

from otp_gate.delivery.console import ConsoleDelivery
from otp_gate.factors.base import CodeFactor


class ConsoleCode(CodeFactor):
    """Reaches whoever reads the terminal of the development server, so never a person alone."""

    id = "console"
    label = pgettext_lazy("otp_gate", "Terminal")
    delivery = ConsoleDelivery
    for_development = True
    """Where all factors are, the default of SENDS is a generous one."""

    def destination(self, user: Any) -> str:
        return str(user.get_username())

    def missing(self, user: Any) -> str:
        return ""

    def masked(self, user: Any) -> str:
        return ""
