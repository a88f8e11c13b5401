"""The whole admin is exempt by its namespace."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"EXEMPT_VIEWS": ["admin:*"]}
