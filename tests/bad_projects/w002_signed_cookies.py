"""A session cannot be taken back."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
