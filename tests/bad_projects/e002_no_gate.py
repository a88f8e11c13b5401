"""The app is there, and the middleware was forgotten."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

MIDDLEWARE = [item for item in ALL if not item.startswith("otp_gate.")]
