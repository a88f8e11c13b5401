"""Each tenant has a database with users of its own, and the cache has one key for all tenants."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

DATABASE_ROUTERS = ["tests.tenants.TenantRouter"]
