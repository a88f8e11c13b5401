"""The app: registers the receivers and the system checks."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class OTPGateConfig(AppConfig):
    name = "otp_gate"
    verbose_name = _("OTP gate")

    def ready(self) -> None:
        from otp_gate import receivers

        checks.register(check, checks.Tags.security)
        checks.register(check_deployed, checks.Tags.security, deploy=True)
        receivers.connect()


def check(**kwargs: Any) -> list[checks.CheckMessage]:
    """Run the system checks, imported by who runs them: a worker process never does."""
    from otp_gate.checks import check_all

    return check_all(**kwargs)


def check_deployed(**kwargs: Any) -> list[checks.CheckMessage]:
    """Run the checks of `check --deploy` alone: they ask Redis."""
    from otp_gate.checks.deployed import check_eviction

    return check_eviction(**kwargs)
