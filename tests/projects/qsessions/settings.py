"""As their documentation says; the session middleware is the package's own."""

from __future__ import annotations

from tests.projects.qsessions.cas_server import Server
from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

ENGINE = "qsessions"


def apps(engine: str) -> list[str]:
    without = [app for app in PLAIN_APPS if app != "django.contrib.sessions"]
    return [*without, engine, "django_cas_ng", "axes"]


def middleware(engine: str) -> list[str]:
    own = {"django.contrib.sessions.middleware.SessionMiddleware": f"{engine}.middleware"}
    found = [f"{own[path]}.SessionMiddleware" if path in own else path for path in PLAIN_MIDDLEWARE]
    return [*found, "axes.middleware.AxesMiddleware"]


INSTALLED_APPS = apps(ENGINE)
MIDDLEWARE = middleware(ENGINE)
SESSION_ENGINE = f"{ENGINE}.backends.db"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "django_cas_ng.backends.CASBackend",
]
ROOT_URLCONF = "tests.projects.qsessions.urls"
TEMPLATES = templates()
STATIC_URL = "static/"
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/account/"
CAS_SERVER_URL = "https://cas.example/"
CAS_VERSION = "3"
CAS_REDIRECT_URL = "/account/"
CAS_SESSION_FACTORY = Server

add_three_lines(globals())
