"""The host that messages name where the sites framework says it: is it this site's?"""

from __future__ import annotations

from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host

DEFAULT_DOMAIN = "example.com"
"""What `migrate` writes into the row, and hardly any site is called."""

LOCAL_HOSTS = [".localhost", "127.0.0.1", "[::1]"]
"""What Django allows with DEBUG where ALLOWED_HOSTS is empty."""


class Fault(NamedTuple):
    """What is wrong with the Site row, and the line to change."""

    text: str
    hint: str


def fault_of_site() -> Fault | None:
    """Return what is wrong with the Site row to whose domain links in messages lead, or None.

    Without SITE_ID the row is found by the host of each request, and so names that host.
    """
    site_id = getattr(settings, "SITE_ID", None)
    if not apps.is_installed("django.contrib.sites") or not site_id:
        return None
    from django.contrib.sites.models import Site  # A model: not before the apps are there.

    try:
        site = Site.objects.filter(pk=site_id).first()
    except DatabaseError as error:
        return Fault(f"The Site row cannot be read: {type(error).__name__}", "manage.py migrate")
    if site is None:
        return Fault(
            f"SITE_ID is {site_id!r}, and there is no such Site row: messages name the host that "
            "the request names",
            f'Site.objects.create(pk={site_id!r}, domain="www.yoursite.org", name="Your site")',
        )
    line = (
        f'Site.objects.filter(pk={site_id!r}).update(domain="www.yoursite.org", name="Your site"), '
        'or "Sites" in the admin'
    )
    leads = f"Messages name {site.domain!r}, and their link 'this wasn't me' leads there"
    if site.domain == DEFAULT_DOMAIN:
        return Fault(f"{leads}: the Site row is still the one that migrate made", line)
    allowed = settings.ALLOWED_HOSTS or (LOCAL_HOSTS if settings.DEBUG else [])
    if not validate_host(split_domain_port(site.domain)[0], allowed):
        return Fault(f"{leads}, but ALLOWED_HOSTS does not allow it", line)
    return None
