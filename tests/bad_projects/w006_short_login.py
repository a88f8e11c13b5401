"""The login ends before the code does."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"PENDING_TTL": 60}
