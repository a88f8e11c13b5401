"""A token names another user at the view, behind the gate."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

MIDDLEWARE = [*ALL, "tests.middlewares.LendsAtView"]
