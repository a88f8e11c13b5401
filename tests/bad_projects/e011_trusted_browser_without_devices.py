"""Browsers are to be remembered, and there is no table for them."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"TRUSTED_BROWSER_TTL": 86400}
