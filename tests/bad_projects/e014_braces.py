"""The keys of the cache begin with braces, which Redis Cluster takes for the hash tag."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.bad_projects.right import CACHES as RIGHT

CACHES = {"default": {**RIGHT["default"], "KEY_PREFIX": "{shop}"}}
