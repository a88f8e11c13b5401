"""A gate that saves few forms, so that few visitors reach the limit of the site."""

from __future__ import annotations

from django.apps import AppConfig

from otp_gate import saved_store

SAVED_REQUESTS = 5


class FewForms(AppConfig):
    """Lowers the limit in each process."""

    name = "tests.parallel.few_forms"

    def ready(self) -> None:
        saved_store.PER_SITE = SAVED_REQUESTS
