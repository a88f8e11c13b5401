"""The app: registers the receivers and the system checks."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.utils.translation import gettext_lazy as _

FOLLOWERS = ("allauth.usersessions", "django_cas_ng", "axes")
"""Apps that note session keys, with models that `followers` moves to the new key."""


class OTPGateConfig(AppConfig):
    name = "otp_gate"
    verbose_name = _("OTP gate")

    def ready(self) -> None:
        from otp_gate import receivers

        checks.register(check, checks.Tags.security)
        checks.register(check_deployed, checks.Tags.security, deploy=True)
        receivers.connect()
        if any(map(apps.is_installed, FOLLOWERS)):
            from otp_gate import followers

            followers.connect()


def check(**kwargs: Any) -> list[checks.CheckMessage]:
    """Run the system checks, imported by who runs them: a worker process never does."""
    from otp_gate.checks import check_all

    return check_all(**kwargs)


def check_deployed(**kwargs: Any) -> list[checks.CheckMessage]:
    """Run the checks of `check --deploy` alone: they ask Redis."""
    from otp_gate.checks.deployed import check_eviction

    return check_eviction(**kwargs)
