"""As its documentation says: the app before the admin."""

from __future__ import annotations

from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

INSTALLED_APPS = ["unfold", "unfold.contrib.filters", "unfold.contrib.forms", *PLAIN_APPS]
MIDDLEWARE = PLAIN_MIDDLEWARE
ROOT_URLCONF = "tests.projects.unfold.urls"
TEMPLATES = templates()
STATIC_URL = "static/"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

add_three_lines(globals())
