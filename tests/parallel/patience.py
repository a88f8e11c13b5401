"""A gate that waits for Redis until its turn has come, however crowded the machine is."""

from __future__ import annotations

from django.apps import AppConfig

from otp_gate import store


class Patience(AppConfig):
    """Put it where a crowd is at the doors."""

    name = "tests.parallel.patience"

    def ready(self) -> None:
        store.TIMEOUT = 20
