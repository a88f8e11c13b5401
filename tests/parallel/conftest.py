"""One Redis, one database and one mailbox for all proofs of this folder, and a site on each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from tests import servers
from tests.servers import Mailbox, gunicorn, mailbox, postgres_database, redis_server, uvicorn


@dataclass
class Site:
    """A site that several processes serve."""

    port: int
    box: Mailbox
    redis: Any
    workers: int

    def record(self) -> dict[str, str]:
        """Return what Redis holds about the one user of this test."""
        [key] = self.redis.keys("*otp_gate:*}")
        found: dict[str, str] = self.redis.hgetall(key)
        return found

    def in_a_row(self) -> int:
        """Return how many wrong answers in a row are counted."""
        return int((self.record()["u"] + ":0").split(":")[1])


def emptied(site: Site) -> Site:
    """Return the site as nobody has used it yet."""
    site.redis.flushall()
    site.box.messages.clear()
    return site


@pytest.fixture(scope="package")
def box() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Make a database for several processes; give its URL."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres_database())
        except pytest.skip.Exception:
            # Said loudly in the summary; a file proves the same, but for the load it bears.
            url = f"sqlite:///{folder / 'site.sqlite3'}"
        yield url


@pytest.fixture(scope="package")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="package")
def env(
    redis_url: str, box: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What every process of the site is told, with the people in the database."""
    with database(tmp_path_factory.mktemp("races")) as url:
        found = {"REDIS_URL": redis_url, "DATABASE_URL": url, "EMAIL_PORT": str(box.port)}
        prepare("tests.parallel.settings", found)
        yield found


def prepare(
    settings_module: str, env: dict[str, str], names: Sequence[str] = ("alice", "bob")
) -> None:
    """Make tables and people."""
    subprocess.run(
        [sys.executable, "-m", "tests.parallel.people", *names],
        cwd=servers.ROOT,
        env={**servers.environment(env), "DJANGO_SETTINGS_MODULE": settings_module},
        check=True,
    )


def serve(start: Any, settings_module: str, env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    with start(settings_module, env) as server:
        client = redis.Redis.from_url(env["REDIS_URL"], decode_responses=True)
        yield Site(server.port, box, client, workers=4 if start is gunicorn else 2)
        client.close()


@pytest.fixture(scope="package", params=[gunicorn, uvicorn], ids=["gunicorn", "uvicorn"])
def served(request: Any, env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    yield from serve(request.param, "tests.parallel.crowded_settings", env, box)


@pytest.fixture(scope="package")
def broken_served(env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    yield from serve(gunicorn, "tests.parallel.broken_settings", env, box)


@pytest.fixture(scope="package")
def crowd(env: dict[str, str]) -> list[str]:
    """Names of users who all have one address; they are in the database."""
    names = [f"u{number}" for number in range(12)]
    people = [f"{name}=victim@example.org" for name in names]
    prepare("tests.parallel.settings", env, people)
    return names


@pytest.fixture(scope="package")
def shared_served(env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    yield from serve(gunicorn, "tests.parallel.shared_settings", env, box)


@pytest.fixture(scope="package")
def broken_shared_served(env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    yield from serve(gunicorn, "tests.parallel.broken_shared_settings", env, box)


@pytest.fixture
def shared_site(shared_served: Site) -> Site:
    """The site with the default SENDS."""
    return emptied(shared_served)


@pytest.fixture
def broken_shared_site(broken_shared_served: Site) -> Site:
    """The site with the default SENDS, whose store gets, and then sets."""
    return emptied(broken_shared_served)


@pytest.fixture(scope="package")
def parted_served(env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    yield from serve(gunicorn, "tests.parallel.parted_settings", env, box)


@pytest.fixture
def site(served: Site) -> Site:
    """The site, where nobody has typed anything yet."""
    return emptied(served)


@pytest.fixture
def parted_site(parted_served: Site) -> Site:
    """The site whose Redis may accept a code more than once."""
    return emptied(parted_served)


@pytest.fixture
def broken_site(broken_served: Site) -> Site:
    """The site whose store gets, and then sets."""
    return emptied(broken_served)
