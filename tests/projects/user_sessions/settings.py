"""As its documentation says; the rest is that of the project `qsessions`."""

from __future__ import annotations

from tests.projects.qsessions.settings import *  # noqa: F403
from tests.projects.qsessions.settings import apps, middleware
from tests.projects.three_lines import add_three_lines

ENGINE = "user_sessions"
INSTALLED_APPS = apps(ENGINE)
MIDDLEWARE = middleware(ENGINE)
SESSION_ENGINE = f"{ENGINE}.backends.db"
ROOT_URLCONF = "tests.projects.user_sessions.urls"

add_three_lines(globals())
