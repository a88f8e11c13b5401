"""The cache keeps nothing."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
