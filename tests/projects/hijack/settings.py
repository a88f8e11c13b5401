"""As its documentation says."""

from __future__ import annotations

from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

INSTALLED_APPS = [*PLAIN_APPS, "hijack", "hijack.contrib.admin"]
MIDDLEWARE = [*PLAIN_MIDDLEWARE, "hijack.middleware.HijackUserMiddleware"]
ROOT_URLCONF = "tests.projects.hijack.urls"
TEMPLATES = templates()
STATIC_URL = "static/"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/admin/"

add_three_lines(globals())
