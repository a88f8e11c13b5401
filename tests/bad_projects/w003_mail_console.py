"""Mail goes to the terminal."""

from __future__ import annotations

import django

from tests.bad_projects.right import *  # noqa: F403

BACKEND = "django.core.mail.backends.console.EmailBackend"
if django.VERSION < (6, 1):
    EMAIL_BACKEND = BACKEND
else:
    MAILERS = {"default": {"BACKEND": BACKEND}}
