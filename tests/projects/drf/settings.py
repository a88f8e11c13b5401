"""As their documentations say; sessions for the browsable API, tokens for programs."""

from __future__ import annotations

from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

INSTALLED_APPS = [
    *PLAIN_APPS,
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt",
    "dj_rest_auth",
    "knox",
    "djoser",
]
MIDDLEWARE = PLAIN_MIDDLEWARE
ROOT_URLCONF = "tests.projects.drf.urls"
TEMPLATES = templates()
STATIC_URL = "static/"
LOGIN_URL = "rest_framework:login"
LOGIN_REDIRECT_URL = "/api/people/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
REST_AUTH = {"SESSION_LOGIN": True}

add_three_lines(globals())
