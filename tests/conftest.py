"""People, and an empty Redis for each test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import time_machine
from _pytest import runner
from django.contrib.sessions.backends.file import SessionStore
from django.contrib.sites.models import Site
from django.test import AsyncClient, Client

from otp_gate import store
from otp_gate.testing import verify
from tests import servers, table, views
from tests.browsers import AsyncBrowser
from tests.clock import Clock
from tests.helpers import PASSWORD, log_in

# The same examples every time, so that nobody's build fails by another's luck; the search for new
# ones is `HYPOTHESIS_PROFILE=torture`.
hypothesis.settings.register_profile(
    "quick",
    max_examples=45,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile(
    "smoke", parent=hypothesis.settings.get_profile("quick"), max_examples=10
)
hypothesis.settings.register_profile(
    "torture",
    parent=hypothesis.settings.get_profile("quick"),
    max_examples=1000,
    stateful_step_count=60,
    derandomize=False,
    print_blob=True,
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long form, unless it is asked for."""
    if "torture" not in config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("torture")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run each test, with its fixtures, in a context of its own.

    Every request leaves something in the context, and under ASGI every request copies it, and
    restores it at each change of threads: in one context for all tests each would be slower than
    the one before.
    """
    return bool(copy_context().run(runner.pytest_runtest_protocol, item, nextitem))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly what was not proved for want of a real part; tell what was hurt, and how often."""
    for part in sorted(servers.MISSING):
        terminalreporter.write_line(f"NOT PROVED HERE: there is no {part}", red=True, bold=True)
    if table.ROWS or table.NOTES:
        terminalreporter.section("what was done, how often, and what got through")
        for line in table.lines():
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    """Nobody has typed or been sent anything yet."""
    store.client("default").flushall()
    views.RAN.clear()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Time that passes only when a test says so."""
    from django.conf import settings

    with time_machine.travel(time.time(), tick=bool(settings.REDIS_URL)) as traveller:
        yield Clock(traveller)


@pytest.fixture
def alice(db: None, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("alice", "alice@example.org", PASSWORD)


@pytest.fixture
def bob(db: None, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("bob", "bob@example.com", PASSWORD)


@pytest.fixture
def admin_user(db: None, django_user_model: Any) -> Any:
    return django_user_model.objects.create_superuser("root", "root@example.org", PASSWORD)


@pytest.fixture
def half(alice: Any) -> Client:
    """Alice's browser after the password, before the code."""
    client = Client()
    log_in(client)
    return client


@pytest.fixture
def verified(alice: Any) -> Client:
    """Alice's browser after password and code; see `tests/test_flow.py` for how it got there."""
    client = Client()
    client.force_login(alice)
    verify(client, factor="email")
    return client


@pytest.fixture
def ahalf(half: Client) -> AsyncClient:
    """Alice's browser after the password, on an ASGI server."""
    client = AsyncClient()
    client.cookies = half.cookies
    return client


@pytest.fixture
def averified(verified: Client) -> AsyncClient:
    """Alice's browser after password and code, on an ASGI server."""
    client = AsyncClient()
    client.cookies = verified.cookies
    return client


@pytest.fixture(params=["wsgi", "asgi"])
def held(request: pytest.FixtureRequest, half: Client) -> Client | AsyncBrowser:
    """Alice's browser after the password, on either kind of server."""
    return half if request.param == "wsgi" else AsyncBrowser(half)


@pytest.fixture(params=["wsgi", "asgi"])
def passed(request: pytest.FixtureRequest, verified: Client) -> Client | AsyncBrowser:
    """Alice's browser after password and code, on either kind of server."""
    return verified if request.param == "wsgi" else AsyncBrowser(verified)


@pytest.fixture(params=["wsgi", "asgi"])
def nobody(request: pytest.FixtureRequest, db: None) -> Client | AsyncBrowser:
    """The browser of a stranger, on either kind of server."""
    client = Client()
    return client if request.param == "wsgi" else AsyncBrowser(client)


@pytest.fixture
def use_engine(settings: Any, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Choose a session engine; the one of files has a folder of its own."""

    def use(engine: str) -> None:
        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    settings.SESSION_FILE_PATH = str(tmp_path)
    # The engine reads the setting once and keeps it.
    SessionStore._storage_path = str(tmp_path)  # type: ignore[attr-defined]
    yield use
    del SessionStore._storage_path  # type: ignore[attr-defined]


@pytest.fixture
def own_site(db: None) -> Iterator[None]:
    """The Site row names this site, as `doctor` wants it; `migrate` wrote example.com."""
    Site.objects.update(domain="www.example.org", name="www.example.org")
    Site.objects.clear_cache()
    yield
    Site.objects.clear_cache()


@pytest.fixture
def no_redis(settings: Any) -> None:
    """Nothing listens where the cache of the gate should be."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
