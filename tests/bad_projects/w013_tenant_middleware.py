"""A middleware chooses the tenant of each request, and the cache has one key for all tenants."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

MIDDLEWARE = ["tests.tenants.TenantMiddleware", *ALL]
