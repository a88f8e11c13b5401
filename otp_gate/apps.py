"""The app: registers the receivers and the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OTPGateConfig(AppConfig):
    name = "otp_gate"
    verbose_name = _("OTP gate")

    def ready(self) -> None:
        from otp_gate import checks, receivers

        checks.register()
        receivers.connect()
