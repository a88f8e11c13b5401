"""The same, with a store that reads, decides in Python and then writes."""

from __future__ import annotations

from tests.parallel.shared_settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.parallel.get_then_set.GetThenSet"]  # noqa: F405
