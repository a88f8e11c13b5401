"""The mail backend: it can be imported, and what it does with codes is known to the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, Error

from otp_gate import conf
from otp_gate.delivery import backends
from otp_gate.delivery.email import EmailDelivery

E_BACKEND = "otp_gate.E015"
W_KEPT = "otp_gate.W015"


def check_mail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The mail backend can be imported, and does not keep codes, nor lose them without a word."""
    config, _ = conf.read_settings()
    if config is None or not any(sends_mail(factor) for factor in config.factors):
        return []
    try:
        keeper = backends.keeper_of(backends.backend())
    except Exception as error:  # a module may raise anything
        return [
            Error(
                f"The mail backend {backends.backend_path()!r} cannot be imported "
                f"({type(error).__name__}): no code can be sent.",
                hint="Install its package, or correct EMAIL_BACKEND (Django 6.1: MAILERS).",
                id=E_BACKEND,
            )
        ]
    if keeper is None:
        return []
    lost = " If its worker or the mail server fails, codes are lost and nobody is told."
    return [
        checks.Warning(
            f"Codes are sent through {keeper.name}, and stay readable "
            f"{keeper.keeps}.{lost if keeper.queues else ''}",
            hint=NOW if keeper.name == "django-post-office" and keeper.queues else AT_ONCE,
            id=W_KEPT,
        )
    ]


AT_ONCE = (
    "Send codes with a backend that sends at once and stores nothing, by a delivery of your own "
    '(docs/factors.md, "The mail"); or delete what it stores every few minutes, and silence this.'
)
NOW = f'POST_OFFICE = {{"DEFAULT_PRIORITY": "now"}}: it then says if the mail fails. {AT_ONCE}'


def sends_mail(factor: Any) -> bool:
    """Return True if a factor sends by Django's default mail backend."""
    try:
        delivery = getattr(factor, "deliver", None)
    except Exception:  # E009 tells of it
        return False
    # A subclass that sends in its own way may use any backend.
    return isinstance(delivery, EmailDelivery) and type(delivery).send is EmailDelivery.send
