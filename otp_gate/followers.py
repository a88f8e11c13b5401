"""Rows of other packages that name a session by its key, moved to the new key after the code.

These packages note the session key at the login. The gate gives the session a new key once the
code is right, after which an old key names nothing: "sign out my other sessions" and single log-out
would leave the verified session alive. Imported only where one of these packages is installed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

from django.apps import apps
from django.db import router, transaction

from otp_gate.signals import session_key_changed

logger = logging.getLogger("otp_gate")

CAS_LENGTH = 736
"""Characters of a session key that django-cas-ng keeps: `SESSION_KEY_MAXLENGTH`."""


def digest(key: str) -> str:
    """Return the digest by which django-axes names a session: SHA-256, in hexadecimal digits."""
    return sha256(key.encode()).hexdigest()


class Column(NamedTuple):
    """A column of another package that names a session."""

    app: str
    """The name of its app, as in INSTALLED_APPS: not its label, which any app may have."""
    model: str
    field: str
    form: Callable[[str], str] = str
    """How the column names a session of this key."""


COLUMNS = (
    Column("allauth.usersessions", "UserSession", "session_key"),
    Column("django_cas_ng", "SessionTicket", "session_key", lambda key: key[:CAS_LENGTH]),
    Column("django_cas_ng", "ProxyGrantingTicket", "session_key", lambda key: key[:CAS_LENGTH]),
    Column("axes", "AccessLog", "session_hash", digest),
)


def follow(*, old_key: str, new_key: str, **_: object) -> None:
    """Move every row that names the session by its old key to the new one.

    A package that fails is logged, and neither ends the login nor keeps another from its rows.
    """
    models = {config.name: config for config in apps.get_app_configs()}
    for column in COLUMNS:
        if column.app in models:
            try:
                move(models[column.app].get_model(column.model), column, old_key, new_key)
            except Exception as error:
                # By class alone: a database quotes the row, and so the session key.
                logger.error(
                    "Session key not followed: %s.%s (%s)",
                    column.app,
                    column.model,
                    type(error).__name__,
                )


def move(model: Any, column: Column, old_key: str, new_key: str) -> None:
    """Move the rows of one column; in a transaction of its own, which a fault does not leave."""
    rows = model._default_manager.filter(**{column.field: column.form(old_key)})
    with transaction.atomic(using=router.db_for_write(model)):
        rows.using(router.db_for_write(model)).update(**{column.field: column.form(new_key)})


def connect() -> None:
    session_key_changed.connect(follow, dispatch_uid="otp_gate.follow")
