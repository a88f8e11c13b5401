"""The cache is a folder, which counts nothing atomically."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": "cache",
    }
}
