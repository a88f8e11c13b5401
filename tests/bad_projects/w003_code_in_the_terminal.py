"""The codes themselves go to the terminal."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"FACTORS": ["otp_gate.factors.console.ConsoleCode"]}
