"""Mail goes through a queue that stores the code and fails in silence."""

from __future__ import annotations

import django

from tests.bad_projects.right import *  # noqa: F403

BACKEND = "tests.doubles.PostOffice"
if django.VERSION < (6, 1):
    EMAIL_BACKEND = BACKEND
else:
    MAILERS = {"default": {"BACKEND": BACKEND}}
