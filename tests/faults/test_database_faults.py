"""The database is locked, read-only, or lacks a table: a friendly 503, nobody in, and then again.

On a copy of the test database in a file, since a second connection has to hold the lock.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connections
from django.test import Client

from otp_gate import store
from tests import table
from tests.browsers import AsyncBrowser, is_in, post_json
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    log_in,
    open_page,
    pass_gate,
    wrong_code,
)

pytestmark = pytest.mark.once


@pytest.fixture
def on_disk(alice: Any, bob: Any, tmp_path: Path) -> Iterator[str]:
    """Put a copy of the database, with Alice and Bob, in the place of the one in memory."""
    memory: Any = connections["default"]
    path = str(tmp_path / "copy.sqlite3")
    with closing(sqlite3.connect(path)) as copy:
        copy.executescript("\n".join(memory.connection.iterdump()))
    disk = type(memory)({**memory.settings_dict, "NAME": path, "OPTIONS": {"timeout": 0.1}})
    connections["default"] = disk
    yield path
    disk.close()
    connections["default"] = memory


@contextmanager
def locked(path: str, kind: str) -> Iterator[None]:
    """Let somebody else be in the middle of a long write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {kind}")
        yield
        other.execute("ROLLBACK")


@contextmanager
def without(path: str, name: str) -> Iterator[None]:
    """Let a table be gone, as in the middle of somebody's migration."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        # So that what refers to the table goes on naming it.
        other.execute("PRAGMA legacy_alter_table = ON")
        other.execute(f"ALTER TABLE {name} RENAME TO gone")
        yield
        other.execute(f"ALTER TABLE gone RENAME TO {name}")


@contextmanager
def read_only(path: str) -> Iterator[None]:
    """Let the database refuse every write."""
    connections["default"].cursor().execute("PRAGMA query_only = ON")
    yield
    connections["default"].cursor().execute("PRAGMA query_only = OFF")


@dataclass(frozen=True)
class Fault:
    name: str
    strike: Callable[[str], Any]
    unread: bool = False
    """Nobody can know any more who asks."""


FAULTS = [
    Fault("database locked for writing", lambda path: locked(path, "IMMEDIATE")),
    Fault("database locked", lambda path: locked(path, "EXCLUSIVE"), unread=True),
    Fault("database read-only", read_only),
    Fault("sessions gone", lambda path: without(path, "django_session"), unread=True),
    Fault("users gone", lambda path: without(path, "auth_user")),
]
FINE = {200, 302, 400, 429, 503}


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.name)
def fault(request: pytest.FixtureRequest) -> Fault:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def row(fault: Fault) -> table.Row:
    return table.row(fault.name)


@pytest.fixture
def alone(on_disk: str) -> Client:
    """Alice's browser after the password, on the copy."""
    client = Client(raise_request_exception=False)
    log_in(client)
    return client


@pytest.fixture(params=["wsgi", "asgi"])
def browser(request: pytest.FixtureRequest, alone: Client) -> Client | AsyncBrowser:
    """The same, on either kind of server."""
    return alone if request.param == "wsgi" else AsyncBrowser(alone)


@pytest.fixture
def inside(on_disk: str) -> Client:
    """Bob's browser after the code, on the copy."""
    client = Client(raise_request_exception=False)
    pass_gate(client, "bob")
    mail.outbox.clear()
    return client


def next_try(row: table.Row, client: Client | AsyncBrowser) -> None:
    """The page is there again, and the code of the last mail opens the gate."""
    page = row.ask(lambda: client.get(VERIFY))
    assert page.status_code == 200
    assert row.ask(lambda: client.post(VERIFY, {"code": last_code()})).status_code == 302
    assert is_in(client)


STEPS: dict[str, Callable[[Client], Any]] = {
    "first page": lambda client: client.get(VERIFY),
    "poll": lambda client: client.get(VERIFY, headers=JSON),
    "another code": lambda client: client.post(RESEND),
    "wrong code": lambda client: client.post(VERIFY, {"code": wrong_code()}),
    "nonsense": lambda client: post_json(client, VERIFY, {"code": []}),
    "right code": lambda client: client.post(VERIFY, {"code": last_code()}),
}


QUICK = ("first page", "right code", "wrong code")
LONG = [pytest.param(step, marks=pytest.mark.torture) for step in STEPS if step not in QUICK]


@pytest.mark.parametrize("step", [*QUICK, *LONG])
def test_a_fault_before_a_step(
    alone: Client, inside: Client, on_disk: str, fault: Fault, row: table.Row, step: str
) -> None:
    """No 500 and nobody in; whoever is in is served as long as his session can be read."""
    if step != "first page":
        open_page(alone)
    with fault.strike(on_disk):
        row.moments += 1
        assert row.ask(lambda: STEPS[step](alone)).status_code in FINE
        row.expect_shut(alone)
        if fault.unread:
            assert row.ask(lambda: inside.get("/plain/")).status_code == 503
            assert row.ask(lambda: alone.get("/secret/")).status_code == 503
        else:
            assert row.ask(lambda: inside.get("/plain/")).content == b"plain"
            assert row.ask(lambda: alone.get("/secret/")).status_code == 302
    next_try(row, alone)
    assert inside.get("/secret/").content == b"secret of bob"
    row.assert_fine()


def test_a_fault_between_redis_and_the_session(
    alone: Client, on_disk: str, fault: Fault, row: table.Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code was right, but it cannot be written down: 503, not in, and another code helps."""
    code = open_page(alone)
    run = store.run_for_user
    with ExitStack() as struck:

        def accept_and_strike(*args: Any, **given: Any) -> Any:
            answer = run(*args, **given)
            struck.enter_context(fault.strike(on_disk))
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(store, "run_for_user", accept_and_strike)
            row.moments += 1
            response = row.ask(lambda: alone.post(VERIFY, {"code": code}))
        # The user was loaded before; his table is not needed any more.
        assert response.status_code == (302 if fault.name == "users gone" else 503)
        if response.status_code == 503:
            assert "We cannot check codes right now" in response.content.decode()
            row.expect_shut(alone)
    if response.status_code == 503:
        assert not is_in(alone)
        assert row.ask(lambda: alone.post(VERIFY, {"code": code})).status_code == 200
        assert not is_in(alone)
        next_try(row, alone)
    assert is_in(alone)
    row.assert_fine()


@pytest.mark.parametrize("page", [CANCEL, DISOWN])
def test_a_fault_on_the_way_out(
    alone: Client, on_disk: str, fault: Fault, row: table.Row, page: str
) -> None:
    """Signing out, and the link of the mail: no 500, and afterwards they do what they say."""
    open_page(alone)
    link = disown_link() if page == DISOWN else CANCEL
    with fault.strike(on_disk):
        row.moments += 1
        assert row.ask(lambda: alone.post(link)).status_code in FINE
        row.expect_shut(alone)
    # What needs no write was done meanwhile; a link that was used says so (400).
    assert row.ask(lambda: alone.post(link)).status_code in FINE - {503}
    assert row.ask(lambda: alone.get(VERIFY))["Location"].startswith("/login/")
    row.assert_fine()


def test_a_fault_when_a_session_has_waited_too_long(
    browser: Client | AsyncBrowser, on_disk: str, fault: Fault, row: table.Row
) -> None:
    """It cannot be ended: then it is not let in either, and it ends with the next request."""
    with time_machine.travel(time.time() + 1000):
        with fault.strike(on_disk):
            row.moments += 1
            assert row.ask(lambda: browser.get("/status/")).status_code in FINE
            assert row.ask(lambda: browser.get(VERIFY)).status_code in FINE
            row.expect_shut(browser)
        assert row.ask(lambda: browser.get("/status/")).json()["status"] == "anonymous"
        assert row.ask(lambda: browser.get(VERIFY))["Location"].startswith("/login/")
    row.assert_fine()


def test_a_fault_under_a_policy(
    browser: Client | AsyncBrowser, on_disk: str, fault: Fault, row: table.Row, settings: Any
) -> None:
    """Whom the policy asks about cannot be asked: the gate stays shut."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.superusers"}
    connections["default"].cursor().execute("UPDATE auth_user SET is_superuser = 1")
    with fault.strike(on_disk):
        row.moments += 1
        assert row.ask(lambda: browser.get("/plain/")).status_code in FINE - {200}
        assert row.ask(lambda: browser.get(VERIFY)).status_code in FINE
        row.expect_shut(browser)
    next_try(row, browser)
    row.assert_fine()
