"""The package of the mail backend is not installed."""

from __future__ import annotations

import django

from tests.bad_projects.right import *  # noqa: F403

BACKEND = "no_such_package.EmailBackend"
if django.VERSION < (6, 1):
    EMAIL_BACKEND = BACKEND
else:
    MAILERS = {"default": {"BACKEND": BACKEND}}
