"""The gate only reports, and DEBUG is off."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"MODE": "report"}
