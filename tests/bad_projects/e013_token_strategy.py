"""The app client of allauth headless has a token strategy whose refresh tokens the gate cannot read."""

from __future__ import annotations

from typing import Any

from tests.bad_projects.right import *  # noqa: F403
from tests.bad_projects.right import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account", "allauth.headless"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "tests.urlconfs.headless"
HEADLESS_TOKEN_STRATEGY = "tests.bad_projects.e013_token_strategy.OwnStrategy"


class OwnStrategy:
    """A project's own, which gives access tokens for refresh tokens of its own."""

    def get_session_token(self, request: Any) -> str | None: ...

    def lookup_session(self, session_token: str) -> Any: ...

    def create_session_token(self, request: Any) -> str: ...

    def create_access_token_payload(self, request: Any) -> dict[str, Any] | None: ...

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None: ...
