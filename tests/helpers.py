"""What the tests do as a person would: log in, read the mail, type the code."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail

PASSWORD = "correct horse"
LOGIN, VERIFY, RESEND, CANCEL, DISOWN = (
    "/login/",
    "/otp/",
    "/otp/resend/",
    "/otp/cancel/",
    "/otp/disown/",
)
JSON = {"accept": "application/json"}


def log_in(client: Any, username: str = "alice") -> Any:
    """Give the password, at the site's own login page."""
    response = client.post(LOGIN, {"username": username, "password": PASSWORD})
    assert response.status_code == 302, response.content
    return response


def codes_sent() -> list[str]:
    """Return the codes of all mails so far, oldest first."""
    found = [re.search(r"^\s*(\d{3,5}) ?(\d{3,5})\s*$", m.body, re.MULTILINE) for m in mail.outbox]
    return [match[1] + match[2] for match in found if match]


def last_code() -> str:
    """Return the code of the last mail that holds one."""
    return codes_sent()[-1]


def wrong_code() -> str:
    """Return a code that is not the one of the last mail, nor of any before."""
    sent = set(codes_sent())
    return next(code for code in map("{:06d}".format, range(1000)) if code not in sent)


def disown_link(index: int = -1) -> str:
    """Return path and query of the "this wasn't me" link of a mail."""
    match = re.search(r"https?://[^/\s]+(/\S+token=\S+)", mail.outbox[index].body)
    assert match is not None
    return match[1]


def open_page(client: Any) -> str:
    """Open the OTP page, so that a code is sent; return the code of the last mail."""
    response = client.get(VERIFY)
    assert response.status_code == 200, response.content
    return last_code()


def pass_gate(client: Any, username: str = "alice") -> Any:
    """Log in with password and code."""
    log_in(client, username)
    response = client.post(VERIFY, {"code": open_page(client)})
    assert response.status_code == 302, response.content
    return response
