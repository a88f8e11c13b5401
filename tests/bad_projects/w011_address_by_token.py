"""An API lets a token, which was given for a password, change the address that codes go to."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.bypasses"
LOGIN_URL = "/login/"
OTP_GATE = {"EXEMPT_PATHS": ["/public/"]}
