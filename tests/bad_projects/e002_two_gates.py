"""The middleware is there twice."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

MIDDLEWARE = [*ALL, "otp_gate.middleware.OTPGateMiddleware"]
