"""What the runner must be told of a project. It knows none of them otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME, ADDRESS, PASSWORD = "alice", "alice@example.org", "correct horse"


@dataclass(frozen=True, kw_only=True)
class Project:
    """One project, in `tests/projects/<name>/project.py`, beside its settings and URLs."""

    packages: tuple[str, ...]
    """Whose versions the table names, besides Django's."""
    inside: str
    """A page for who is logged in."""
    roads: Mapping[str, Callable[[Any], None]]
    """Every way to log in, by name: each is given a browser, and leaves it logged in as Alice."""
    prepare: Callable[[], None]
    """Put people and content into an empty database."""
    samples: Mapping[str, str] = field(default_factory=dict)
    """What an address holds in place of a parameter of that name, where 1 or a word will not do."""
    logs: tuple[str, ...] = ()
    """Tables in which a package notes logins and log-outs, which the crawl makes some of."""
    stories: Mapping[str, Callable[[Callable[[], Any]], None]] = field(default_factory=dict)
    """What must hold behind the gate beyond a look at each address, by name.

    Each is told once under WSGI and once under ASGI. It is given a maker of browsers, and raises
    AssertionError if it does not hold. Nothing of it is left behind.
    """
    unstable: tuple[str, ...] = ()
    """Patterns of what differs from one answer to the next, with the gate or without it."""


def post(client: Any, path: str, **fields: str) -> Any:
    """Fill in the form of a page and send it, as its browser would."""
    client.get(path)
    return client.post(path, fields)


def admin_login(client: Any) -> None:
    post(client, "/admin/login/", username=NAME, password=PASSWORD)


def superuser() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.create_superuser(
        username=NAME, email=ADDRESS, password=PASSWORD
    )
