"""LOGIN_URL names a view that is not there."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

LOGIN_URL = "account_login"
