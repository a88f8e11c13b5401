"""A key is misspelt."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"CODE_TLL": 60}
