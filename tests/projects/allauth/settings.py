"""As its documentation says; its own dummy provider stands for a social login."""

from __future__ import annotations

from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

INSTALLED_APPS = [
    *PLAIN_APPS,
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.dummy",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
]
MIDDLEWARE = [*PLAIN_MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ROOT_URLCONF = "tests.projects.allauth.urls"
TEMPLATES = templates()
STATIC_URL = "static/"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/accounts/email/"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_RATE_LIMITS = False
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

add_three_lines(globals())
