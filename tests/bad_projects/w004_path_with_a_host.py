"""An exempt path is an address."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"EXEMPT_PATHS": ["https://example.org/public/"]}
