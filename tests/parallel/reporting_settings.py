"""The same project, with a gate that is on trial."""

from __future__ import annotations

from tests.parallel.crowded_settings import *  # noqa: F403

OTP_GATE = {"MODE": "report", "REDIS_TIMEOUT": 20}
