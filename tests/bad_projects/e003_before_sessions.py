"""The sessions come after the gate."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
MIDDLEWARE = [*(item for item in ALL if item != SESSIONS), SESSIONS]
