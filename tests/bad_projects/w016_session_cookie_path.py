"""The session cookie is not sent to the pages of the gate."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

SESSION_COOKIE_PATH = "/shop/"
