"""The session key after the code: who is told, and packages that know sessions by their keys."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection, models
from django.test import AsyncClient, Client, override_settings

from otp_gate.apps import FOLLOWERS
from otp_gate.followers import COLUMNS, follow
from otp_gate.signals import session_key_changed
from otp_gate.testing import averify, verify
from tests.browsers import AsyncBrowser
from tests.helpers import PASSWORD, VERIFY, log_in, open_page

STANDINS = Path(__file__).parent / "standins"
MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"
APPS = ["allauth", "allauth.account", *FOLLOWERS]
COOKIE = "sessionid"


@pytest.fixture(params=["wsgi", "asgi"])
def browser(request: pytest.FixtureRequest, db: None) -> Any:
    """A browser of somebody who is not logged in, under either server."""
    return Client() if request.param == "wsgi" else AsyncBrowser(AsyncClient())


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """What the signal says, each time."""
    found: list[dict[str, Any]] = []

    def listen(**named: Any) -> None:
        named["status"] = getattr(getattr(named["request"], "otp_gate", None), "status", None)
        named["stored"] = [
            SessionStore().exists(named["old_key"]),
            SessionStore().exists(named["new_key"]),
        ]
        found.append(named)

    session_key_changed.connect(listen, sender=User)
    yield found
    session_key_changed.disconnect(listen, sender=User)


def key_of(client: Any) -> str:
    return str(client.cookies[COOKIE].value)


def type_code(client: Any) -> None:
    """Type the right code in; the login must succeed."""
    code = open_page(client)
    assert client.post(VERIFY, {"code": code}).status_code == 302
    assert client.get("/secret/").content == b"secret of alice"


def test_receiver_gets_both_keys_of_a_verified_session(
    browser: Any, alice: Any, told: list[dict[str, Any]]
) -> None:
    """When the session is in the store under its new key, and the old key names none."""
    log_in(browser)
    old = key_of(browser)
    type_code(browser)
    [change] = told
    assert (change["old_key"], change["new_key"]) == (old, key_of(browser))
    assert change["user"] == alice
    assert change["sender"] is User
    assert change["status"] == "verified"
    assert change["stored"] == [False, True]


def test_wrong_code_changes_no_key(browser: Any, alice: Any, told: list[dict[str, Any]]) -> None:
    log_in(browser)
    old = key_of(browser)
    open_page(browser)
    browser.post(VERIFY, {"code": "nonsense"})
    assert key_of(browser) == old
    assert told == []


def test_testing_tools_tell_the_new_key(alice: Any, told: list[dict[str, Any]]) -> None:
    """As in production: a project's own receivers run in its tests."""
    client = Client()
    client.force_login(alice)
    old = key_of(client)
    verify(client)
    change = told.pop()
    assert (change["old_key"], change["new_key"]) == (old, key_of(client))
    assert change["user"] == change["request"].user == alice
    other = AsyncClient()
    async_to_sync(other.aforce_login)(alice)
    async_to_sync(averify)(other)
    assert told.pop()["new_key"] == key_of(other)


def fail(old_key: str, **_: Any) -> None:
    raise ValueError(f"Key (session_key)=({old_key}) already exists.")


async def afail(old_key: str, **_: Any) -> None:
    fail(old_key)


@pytest.mark.parametrize("receiver", [fail, afail, partial(fail)])
def test_failing_receiver_ends_no_login_and_logs_no_key(
    browser: Any, alice: Any, receiver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A database quotes the row that it refuses, and so the key of a session."""
    log_in(browser)
    old = key_of(browser)
    session_key_changed.connect(receiver)
    try:
        type_code(browser)
    finally:
        session_key_changed.disconnect(receiver)
    [record] = [one for one in caplog.records if one.name == "django.dispatch"]
    name = getattr(receiver, "__qualname__", "partial")
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        f"Receiver failed: {name} (ValueError)",
    )
    assert record.exc_info is None
    assert old not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_failing_receiver_ends_no_login_in_a_project_with_atomic_requests(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that breaks the transaction of the request would take the session with it."""

    def write_twice(user: Any, **_: Any) -> None:
        User.objects.create(username=user.username)

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    client = Client()
    log_in(client)
    session_key_changed.connect(write_twice)
    try:
        type_code(client)
    finally:
        session_key_changed.disconnect(write_twice)


# Packages that know a session by its key


@pytest.fixture(scope="module")
def tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The tables of allauth and of the stand-ins, made outside of any test's transaction."""
    from django.conf import settings
    from django.contrib.admin import site

    registered = dict(site._registry)
    sys.path.insert(0, str(STANDINS))
    with (
        django_db_blocker.unblock(),
        override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, MIDDLEWARE]),
        override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, *APPS]),
    ):
        call_command("migrate", run_syncdb=True, verbosity=0)
    # The admin of allauth would stay registered where allauth is not installed any more.
    site._registry.clear()
    site._registry.update(registered)
    yield
    sys.path.remove(str(STANDINS))
    session_key_changed.disconnect(dispatch_uid="otp_gate.follow")


@pytest.fixture
def packages(tables: None, db: None, settings: Any) -> None:
    """A project that has them all."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *APPS]
    settings.ROOT_URLCONF = "tests.urlconfs.accounts"
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ]
    settings.ACCOUNT_RATE_LIMITS = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"


def rows(model: str) -> Any:
    """Return the manager of a model, which is there while its app is installed."""
    return apps.get_model(model)._default_manager


def test_every_app_that_is_followed_is_looked_for_at_start() -> None:
    assert set(FOLLOWERS) == {column.app for column in COLUMNS}


def test_other_sessions_of_allauth_are_signed_out_after_the_code(
    packages: None, browser: Any, alice: Any
) -> None:
    """The list of sessions shows both, and "sign out other sessions" ends the other."""
    other = Client()
    for client in (browser, other):
        fields = {"login": "alice", "password": PASSWORD}
        assert client.post("/accounts/login/", fields).status_code == 302
        type_code(client)
    keys = set(rows("usersessions.UserSession").values_list("session_key", flat=True))
    assert keys == {key_of(browser), key_of(other)}
    browser.post("/accounts/sessions/")
    assert other.get("/secret/").content == b"secret of nobody"
    assert browser.get("/secret/").content == b"secret of alice"


def test_single_log_out_of_cas_ends_the_verified_session(
    packages: None, browser: Any, alice: Any
) -> None:
    """The server names the ticket of the login; its row names the session to delete."""
    log_in(browser)
    tickets, grants = (
        rows("django_cas_ng.SessionTicket"),
        rows("django_cas_ng.ProxyGrantingTicket"),
    )
    tickets.create(session_key=key_of(browser), ticket="ST-1")
    tickets.create(session_key="of another session", ticket="ST-2")
    grants.create(session_key=key_of(browser), user=alice, pgt="PGT-1")
    grants.create(session_key=None, user=None, pgt="PGT-2")
    type_code(browser)
    assert tickets.get(ticket="ST-2").session_key == "of another session"
    assert grants.get(pgt="PGT-1").session_key == key_of(browser)
    assert grants.get(pgt="PGT-2").session_key is None

    SessionStore().delete(tickets.get(ticket="ST-1").session_key)
    assert browser.get("/secret/").content == b"secret of nobody"


def test_log_of_axes_names_the_verified_session(packages: None, browser: Any, alice: Any) -> None:
    """At the log-out django-axes looks for the digest of the key that the session has then."""
    log_in(browser)
    logs = rows("axes.AccessLog")
    log = logs.create(username="alice", session_hash=sha256(key_of(browser).encode()).hexdigest())
    type_code(browser)
    log.refresh_from_db()
    assert log.session_hash == sha256(key_of(browser).encode()).hexdigest()


def test_package_that_fails_keeps_no_other_from_its_rows(
    packages: None,
    browser: Any,
    alice: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not the login either; and no key is logged."""
    log_in(browser)
    old = key_of(browser)
    logs = rows("axes.AccessLog")
    logs.create(username="alice", session_hash=sha256(old.encode()).hexdigest())
    broken = apps.get_model("django_cas_ng.SessionTicket")
    monkeypatch.setattr(broken._meta, "db_table", f"gone_{old}")
    type_code(browser)
    failures = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in failures] == [
        "Session key not followed: django_cas_ng.SessionTicket (OperationalError)"
    ]
    assert old not in caplog.text
    assert logs.get().session_hash == sha256(key_of(browser).encode()).hexdigest()


def test_project_without_these_packages_asks_the_database_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also where the receiver is connected: this test may not reach the database."""
    follow(old_key="old", new_key="new")
    assert not caplog.records


def test_apps_are_known_by_their_names(packages: None) -> None:
    """A label may be any app's; what is followed must be the models that are meant."""
    for column in COLUMNS:
        [config] = [one for one in apps.get_app_configs() if one.name == column.app]
        model = config.get_model(column.model)
        assert isinstance(model._meta.get_field(column.field), models.CharField)
