"""The CSRF cookie is not sent to the pages of the gate."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

CSRF_COOKIE_PATH = "/shop"
