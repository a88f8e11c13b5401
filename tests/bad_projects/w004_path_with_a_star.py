"""An exempt path is a pattern, which it cannot be."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"EXEMPT_PATHS": ["/public/*"]}
