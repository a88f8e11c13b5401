"""Mail is stored, code and all, when it is sent."""

from __future__ import annotations

import django

from tests.bad_projects.right import *  # noqa: F403

BACKEND = "tests.doubles.EmailLog"
if django.VERSION < (6, 1):
    EMAIL_BACKEND = BACKEND
else:
    MAILERS = {"default": {"BACKEND": BACKEND}}
