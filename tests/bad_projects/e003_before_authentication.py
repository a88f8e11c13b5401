"""The gate stands where nobody is logged in yet."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

GATE = "otp_gate.middleware.OTPGateMiddleware"
MIDDLEWARE = [GATE, *(item for item in ALL if item != GATE)]
