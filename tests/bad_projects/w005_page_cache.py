"""A page cache answers before the gate is asked."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import MIDDLEWARE as ALL

MIDDLEWARE = ["django.middleware.cache.FetchFromCacheMiddleware", *ALL]
