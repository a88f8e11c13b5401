"""The app, without its system checks: they would name what Django's tests leave out on purpose."""

from __future__ import annotations

from otp_gate.apps import OTPGateConfig


class GateConfig(OTPGateConfig):
    def ready(self) -> None:
        from otp_gate import receivers

        receivers.connect()
