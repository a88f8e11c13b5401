"""Nothing limits how many codes a person is sent."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"SENDS": []}
