"""What a message says about the site it comes from, and the mail about a lock."""

from __future__ import annotations

from typing import Any

from django.contrib.sites.requests import RequestSite
from django.contrib.sites.shortcuts import get_current_site
from django.core import signing
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest
from django.utils.translation import ngettext

from otp_gate import log_records
from otp_gate.addresses import page_url, settings_url
from otp_gate.challenge import Challenge
from otp_gate.delivery.base import Letterhead
from otp_gate.delivery.email import address_of, hand_over, templated
from otp_gate.limits import DAY

SALT = "otp_gate.disown"


def letterhead(request: HttpRequest, challenge: Challenge | None = None) -> Letterhead:
    """Return the letterhead of the site, with the "this wasn't me" link of a challenge.

    The host is the sites framework's where that is installed, and otherwise the request's, which
    Django has held against ALLOWED_HOSTS: as in Django's own password reset.
    """
    try:
        site = get_current_site(request)
    except ObjectDoesNotExist:
        site = RequestSite(request)
    disown_url = ""
    path = page_url("disown")
    if challenge is not None and path is not None:
        token = signing.dumps([challenge.user_id, challenge.tag], salt=salt())
        disown_url = f"{request.scheme}://{site.domain}{path}?token={token}"
    return Letterhead(site_name=site.name, domain=site.domain, disown_url=disown_url)


def read_token(token: object) -> tuple[str, str] | None:
    """Return user id and tag from a link of this realm not older than a day, or None.

    Raises:
        StoreUnavailable: there is no realm (see `realms.realm`).
    """
    try:
        user_id, tag = signing.loads(str(token), salt=salt(), max_age=DAY)
    except (signing.BadSignature, ValueError):
        return None
    return str(user_id), str(tag)


def salt() -> str:
    """Return the salt of the links: user 1 of another site or tenant is another person."""
    from otp_gate import realms  # By the worker that sends a link.

    return f"{SALT}:{realms.realm()}"


def tell_locked(request: HttpRequest, user: Any, retry_after: float | None) -> None:
    """Tell a person that somebody guesses at their codes, and so knows their password.

    RFC 4226 section 7.2, ASVS 6.3.5. The lock stands whether or not the mail leaves.
    """
    address = address_of(user)
    if not address:
        return
    head = letterhead(request)
    context = {
        "site_name": head.site_name,
        "domain": head.domain,
        "user_label": user.get_username(),
        "permanent": retry_after is None,
        "retry_after_text": waiting_time(retry_after),
        "login_url": f"{request.scheme}://{head.domain}{settings_url('LOGIN_URL')}",
    }
    try:
        hand_over(templated("locked", address, context))
    except Exception as error:  # a mail backend may raise anything
        log_records.write("lock_mail_failed", request, reason=type(error).__name__)


def waiting_time(seconds: float | None) -> str:
    """Return "45 seconds", "12 minutes", "3 hours": rounded up, so that waiting it is enough."""
    if not seconds:
        return ""
    whole = max(1, -int(-seconds // 1))
    if whole < 120:
        return ngettext("%d second", "%d seconds", whole) % whole
    if whole < 7200:
        minutes = -(-whole // 60)
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    hours = -(-whole // 3600)
    return ngettext("%d hour", "%d hours", hours) % hours
