"""A code by text message. Weak: numbers are taken over (NIST calls SMS restricted)."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from otp_gate.factors.base import CodeFactor

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


class SMSCode(CodeFactor):
    """Subclass it: set `delivery` to a gateway (`delivery.sms.SMSDelivery`), write `number`.

    `prefixes` are the country codes that may be written to. National premium numbers look like any
    other and stay yours to refuse: allow only the countries where the users live.
    """

    id = "sms"
    label = pgettext_lazy("otp_gate", "Text message")
    prefixes: tuple[str, ...] = ("+",)
    barred: tuple[str, ...] = (
        *("+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979"),
        "+1900",  # Premium, in the North American plan.
    )
    """Never written to, for what it costs: satellites, premium lines and other codes of no country.

    From the ITU-T list of assigned country codes (E.164).
    """

    @abstractmethod
    def number(self, user: Any) -> str:
        """Return the stored phone number of this user in E.164 form ("+4930…"), or ""."""

    def destination(self, user: Any) -> str:
        return re.sub(r"[\s()./-]", "", self.number(user) or "")

    def missing(self, user: Any) -> str:
        number = self.destination(user)
        allowed = number.startswith(tuple(self.prefixes))
        if E164.fullmatch(number) and allowed and not number.startswith(tuple(self.barred)):
            return ""
        return _("a mobile phone number")

    def masked(self, user: Any) -> str:
        return "••• " + self.destination(user)[-2:]
