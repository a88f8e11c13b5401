"""System checks: ways to configure the gate wrong or insecurely, with the line to paste.

Each id has a wrong project under `tests/bad_projects/` that triggers exactly it.
"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage

from otp_gate.checks import cookies, mails, options, realms, site, surroundings

CHECKS = {
    "OTP_GATE is valid": options.check_settings,
    "OTP_GATE keeps its limits": options.check_limits,
    "POLICY and FACTORS can be used": options.check_parts,
    "MIDDLEWARE is in order": site.check_middleware,
    "The URLs of the gate are there": site.check_urls,
    "Cookies reach the pages of the gate": cookies.check_cookies,
    "Session tokens of allauth headless are known": site.check_tokens,
    "No token changes where codes go": site.check_addresses,
    "EXEMPT_VIEWS and EXEMPT_PATHS open no more than they say": site.check_exemptions,
    "CACHES has a Redis for the gate": surroundings.check_cache,
    "Keys in Redis name no braces of their own": realms.check_keys,
    "Keys in Redis tell tenants apart": realms.check_tenants,
    "Sessions can be taken back": surroundings.check_sessions,
    "Codes reach people": surroundings.check_delivery,
    "The mail backend keeps no codes": mails.check_mail,
    "Messages name the host of this site": surroundings.check_hosts,
}
"""What each looks after, in words, when all is well: `manage.py otp_gate doctor` prints it."""


def check_all(**kwargs: Any) -> list[CheckMessage]:
    return [message for check in CHECKS.values() for message in check(**kwargs)]
