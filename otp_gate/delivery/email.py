"""By email, through whatever `django.core.mail` is set to."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.views.decorators.debug import sensitive_variables

from otp_gate import codes
from otp_gate.delivery.base import Message
from otp_gate.exceptions import DeliveryError


class EmailDelivery:
    """Sends `otp_gate/email/code_{subject,body}`, as text and HTML, to `message.destination`."""

    @sensitive_variables()
    def send(self, message: Message) -> None:
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
        send_templated("code", message.destination, context)


@sensitive_variables()
def send_templated(name: str, address: str, context: dict[str, Any]) -> None:
    """Send the mail made of `otp_gate/email/<name>_{subject.txt,body.txt,body.html}`.

    Raises:
        DeliveryError: the mail backend says that nothing was sent. It may raise anything else.
    """
    folder = f"otp_gate/email/{name}"
    subject = " ".join(render_to_string(f"{folder}_subject.txt", context).split())
    mail = EmailMultiAlternatives(
        subject, render_to_string(f"{folder}_body.txt", context), to=[address]
    )
    mail.attach_alternative(render_to_string(f"{folder}_body.html", context), "text/html")
    # Never fail_silently: a code that did not leave must cost nothing, so it must be known.
    if mail.send() == 0:
        raise DeliveryError("the mail backend sent nothing")


def address_of(user: Any) -> str:
    """Return the stored email address, by the name that the user model gives that field."""
    name = getattr(user, "get_email_field_name", lambda: "email")()
    return str(getattr(user, name, "") or "").strip()


def masked(address: str) -> str:
    """Return an address that its owner recognises and nobody else can write to: a•••@e•••.org."""
    local, _, domain = address.rpartition("@")
    host, dot, suffix = domain.rpartition(".")
    if not dot:
        host, suffix = suffix, ""
    return f"{local[:1]}•••@{host[:1]}•••{dot}{suffix}"
