"""A code lives longer than ASVS and NIST allow."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"CODE_TTL": 700}
