"""An exempt path that is STATIC_URL, which is empty."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

STATIC_URL = ""
OTP_GATE = {"EXEMPT_PATHS": [STATIC_URL]}
