"""An exempt path that is MEDIA_URL, as it is by default."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

MEDIA_URL = "/"
OTP_GATE = {"EXEMPT_PATHS": [MEDIA_URL]}
