"""A factor is a dotted path to nothing."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"FACTORS": ["otp_gate.factors.pigeon.PigeonCode"]}
