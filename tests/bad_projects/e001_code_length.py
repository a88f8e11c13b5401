"""Four digits are guessed too soon."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"CODE_LENGTH": 4}
