"""The suite's project with a user model of its own; AUTH_USER_MODEL comes from outside."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as APPS

AUTH_USER_MODEL = os.environ["USER_MODEL"]
INSTALLED_APPS = [
    *(
        app
        for app in APPS
        if not app.endswith((".admin", ".flatpages", ".redirects", ".authtoken"))
    ),
    "tests.people",
]
ROOT_URLCONF = "tests.people.urls"
