"""The gate's own prefix has braces, which Redis Cluster takes for the hash tag."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"KEY_PREFIX": "otp{}"}
