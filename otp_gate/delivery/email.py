"""By email, through whatever `django.core.mail` is set to."""

from __future__ import annotations

import re
from email.utils import getaddresses
from typing import Any

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.views.decorators.debug import sensitive_variables

from otp_gate import codes
from otp_gate.delivery import backends
from otp_gate.delivery.base import Message
from otp_gate.exceptions import DeliveryError

HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
"""In every mail of the gate: out-of-office programs do not answer it (RFC 3834; the second is for
Microsoft Exchange). An answer would quote the code to the people who read the sender's mail."""


class EmailDelivery:
    """Sends `otp_gate/email/code_{subject,body}`, as text and HTML, to `message.destination`."""

    @sensitive_variables()
    def send(self, message: Message) -> None:
        hand_over(self.mail(message))

    @sensitive_variables()
    def mail(self, message: Message) -> EmailMessage:
        """Return the mail that `send` hands over; override it for another sender or headers."""
        minutes, seconds = divmod(message.expires_in, 60)
        context = {
            "code": message.code,
            "code_spaced": codes.spaced(message.code),
            "reference": message.reference,
            "minutes": minutes if seconds == 0 else 0,
            "seconds": message.expires_in,
            "user_label": message.user.get_username(),
            "site_name": message.letterhead.site_name,
            "domain": message.letterhead.domain,
            "disown_url": message.letterhead.disown_url,
        }
        return templated("code", message.destination, context)


@sensitive_variables()
def templated(name: str, address: str, context: dict[str, Any]) -> EmailMessage:
    """Return the mail made of `otp_gate/email/<name>_{subject.txt,body.txt,body.html}`."""
    folder = f"otp_gate/email/{name}"
    subject = " ".join(render_to_string(f"{folder}_subject.txt", context).split())
    text = render_to_string(f"{folder}_body.txt", context)
    mail = EmailMultiAlternatives(subject, text, to=[address], headers=dict(HEADERS))
    mail.attach_alternative(render_to_string(f"{folder}_body.html", context), "text/html")
    return mail


@sensitive_variables()
def hand_over(mail: EmailMessage) -> None:
    """Give a mail to the mail backend.

    Raises:
        DeliveryError: the mail backend says that nothing was sent. It may raise anything else.
    """
    # Never fail_silently: a code that did not leave must cost nothing, so it must be known.
    if mail.send() == 0 and not backends.is_queued():
        raise DeliveryError("the mail backend sent nothing")


def address_of(user: Any) -> str:
    """Return the stored email address, by the name that the user model gives that field."""
    name = getattr(user, "get_email_field_name", lambda: "email")()
    return str(getattr(user, name, "") or "").strip()


PLAIN = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
"""Addresses that every mail library can write."""


def is_writable(address: str) -> bool:
    """Return True if Django can address a mail to this; a login must not fail as "our fault"."""
    if PLAIN.fullmatch(address):
        return True
    try:
        EmailMessage(to=[address]).message()
        return len(getaddresses([address])) == 1
    except Exception:  # a ValueError; but the parser of the standard library may raise anything
        return False


def masked(address: str) -> str:
    """Return an address that its owner recognises and nobody else can write to: a•••@e•••.org."""
    local, _, domain = address.rpartition("@")
    host, dot, suffix = domain.rpartition(".")
    if not dot:
        host, suffix = suffix, ""
    return f"{local[:1]}•••@{host[:1]}•••{dot}{suffix}"
