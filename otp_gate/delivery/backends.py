"""What is known of mail backends: which one the site has, and which of them keep what they send."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string


class Keeper(NamedTuple):
    """A package whose mail backend stores mails, and mostly sends them later."""

    name: str
    keeps: str
    """Where the code can be read, and until when."""
    queues: bool = True
    """True if a mail server that fails is not noticed while the page is made."""


KEEPERS = {
    "post_office": Keeper(
        "django-post-office", "in the table post_office_email until cleanup_mail deletes it"
    ),
    "mailer": Keeper(
        "django-mailer",
        "in the tables mailer_message and mailer_messagelog until purge_mail_log deletes it",
    ),
    "djcelery_email": Keeper("django-celery-email", "in the list of the Celery broker"),
    "django_q2_email_backend": Keeper(
        "django-q2-email-backend", "in the broker, and then in the table django_q_task"
    ),
    "django_rq_email_backend": Keeper(
        "django-rq-email-backend", "in the Redis of RQ, 500 seconds longer than the job"
    ),
    "email_log": Keeper(
        "django-email-log", "in the table email_log_email, without end", queues=False
    ),
}
"""By package: what was seen in their releases of November 2026."""


def backend_path() -> str | None:
    """Return the dotted path of the default mail backend; Django 6.1 calls the setting MAILERS."""
    mailers: Any = getattr(settings, "MAILERS", None)
    if mailers is None:
        return settings.EMAIL_BACKEND
    path: str | None = mailers.get("default", {}).get("BACKEND")
    return path


def backend() -> type | None:
    """Return the class of the default mail backend; None if there is none.

    Raises:
        Exception: the backend cannot be imported.
    """
    path = backend_path()
    return None if path is None else import_string(path)


def keeper_of(mail_backend: type | None) -> Keeper | None:
    """Return what is known of a backend that stores mails, or None. Its ancestors count as well."""
    for base in getattr(mail_backend, "__mro__", ()):
        package = base.__module__.partition(".")[0]
        if package in KEEPERS:
            return sent_at_once(package)
    return None


def sent_at_once(package: str) -> Keeper:
    """Return the entry of a package, as its own settings change it."""
    keeper = KEEPERS[package]
    own: Any = getattr(settings, "POST_OFFICE", {})
    if package == "post_office" and own.get("DEFAULT_PRIORITY") == "now":
        return keeper._replace(queues=False)
    return keeper


def is_queued() -> bool:
    """Return True if the default backend says "0 mails were sent" of mails that it has queued.

    django-post-office does: its mail arrives, so the code in it must stay valid.
    """
    keeper = keeper_of(backend())
    return keeper is not None and keeper.queues and keeper.name == "django-post-office"
