"""A gate that waits for Redis until its turn has come, however crowded the machine is.

It also saves few forms, so that few visitors reach the limit of the site.
"""

from __future__ import annotations

from django.apps import AppConfig

from otp_gate import saved_store, store

SAVED_REQUESTS = 5


class Patience(AppConfig):
    """Put it where a crowd is at the doors."""

    name = "tests.parallel.patience"

    def ready(self) -> None:
        store.TIMEOUT = 20
        saved_store.PER_SITE = SAVED_REQUESTS
