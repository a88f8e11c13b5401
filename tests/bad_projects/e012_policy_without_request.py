"""The policy takes a user."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"POLICY": lambda user, request: True}
