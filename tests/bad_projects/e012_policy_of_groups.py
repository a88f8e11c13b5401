"""The maker of policies is given in the place of a policy."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"POLICY": "otp_gate.policy.groups"}
