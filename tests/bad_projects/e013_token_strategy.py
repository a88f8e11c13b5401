"""The app client of allauth headless has a token strategy whose refresh tokens the gate cannot read."""

from __future__ import annotations

from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy

from tests.bad_projects.right import *  # noqa: F403
from tests.bad_projects.right import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account", "allauth.headless"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "tests.urlconfs.headless"
HEADLESS_TOKEN_STRATEGY = "tests.bad_projects.e013_token_strategy.OwnStrategy"


class OwnStrategy(SessionTokenStrategy):
    """A project's own, which gives access tokens for refresh tokens of its own."""

    def refresh_token(self, refresh_token: str) -> tuple[str, str]:
        return "access", refresh_token
