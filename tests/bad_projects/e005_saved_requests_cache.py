"""The gate is told to save requests in a cache that is not there."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"SAVED_REQUESTS_CACHE": "forms"}
