"""A site for the load: a database, a mailbox, and worker processes on the Redis of the test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.parallel.conftest import prepare
from tests.servers import Mailbox, Server, gunicorn, mailbox, postgres_database
from tests.torture.load import Person

NAMES = [f"person{number}" for number in range(6)]
SHORT = os.environ.get("OTP_GATE_TORTURE") == "short"


def often(long: int, short: int) -> int:
    """Return how often, or how long, the form that was asked for does something."""
    return short if SHORT else long


@pytest.fixture(scope="package")
def box() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


@pytest.fixture(scope="package")
def database_url() -> Iterator[str]:
    """A database with the tables and the people in it."""
    with postgres_database() as url:
        env = {"REDIS_URL": "redis://nowhere", "DATABASE_URL": url, "EMAIL_PORT": "1"}
        prepare("tests.parallel.settings", env, NAMES)
        yield url


Serve = Callable[..., Any]


@pytest.fixture
def serve(database_url: str, box: Mailbox) -> Serve:
    """Return what starts the site: `with serve(caches) as people`."""

    @contextmanager
    def start(
        caches: dict[str, Any], server: Any = gunicorn, page: str = "/secret/"
    ) -> Iterator[Sequence[Person]]:
        env = {
            "REDIS_URL": "redis://nowhere",
            "CACHES": json.dumps(caches),
            "DATABASE_URL": database_url,
            "EMAIL_PORT": str(box.port),
        }
        box.messages.clear()
        with server("tests.torture.settings", env) as found:
            assert isinstance(found, Server)
            yield [Person(name, found.port, box, page) for name in NAMES]
            assert "Traceback" not in found.output, found.output

    return start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
