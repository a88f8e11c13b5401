"""The policy is a dotted path to nothing."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"POLICY": "otp_gate.policy.staf"}
