"""Session engines that write in `load`: no data is lost by the gate's look, and no trace is left."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.test import Client

from otp_gate import reading
from tests.engines import noting
from tests.gates import assert_held
from tests.helpers import VERIFY, log_in, open_page, pass_gate
from tests.test_no_trace import (
    PAGES,
    Visit,
    take_gate_away,
    verified,
    with_a_session,
    with_a_stale_cookie,
    without_cookie,
)

NUMBERS = itertools.count()
PEOPLE: list[Callable[[Any], str]] = [
    *(without_cookie, with_a_session, with_a_stale_cookie, verified),
]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    """Cookies say when they expire: two requests of the same second are compared."""
    with time_machine.travel(time.time(), tick=False):
        yield


@pytest.fixture(params=["noting", "storing"])
def engine(request: pytest.FixtureRequest, settings: Any, move: Callable[[], None]) -> str:
    """Engines as django-qsessions and django-user-sessions have them."""
    settings.ROOT_URLCONF = "tests.urlconfs.traces"
    settings.SESSION_ENGINE = f"tests.engines.{request.param}"
    return str(request.param)


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give every browser another address than it had."""

    def to_another_address() -> None:
        monkeypatch.setattr(noting.SessionStore, "address", f"address {next(NUMBERS)}")

    return to_another_address


@pytest.mark.parametrize("page", ["/user/", "/auser/"])
def test_changed_address_keeps_a_user_verified(
    engine: str, nobody: Any, alice: Any, move: Callable[[], None], page: str
) -> None:
    """On every page from the new address, the OTP page included."""
    pass_gate(nobody)
    for path in (page, "/nothing/", page, "/writes/", VERIFY, page):
        move()
        response = nobody.get(path)
        assert response.status_code == (302 if path == VERIFY else 200)
        assert nobody.cookies["sessionid"].value
    assert nobody.get(page).content == b"alice"


def test_changed_address_keeps_a_login_half_authenticated(
    engine: str, nobody: Any, alice: Any, move: Callable[[], None]
) -> None:
    """A user may take the code with him from one network to another."""
    log_in(nobody)
    move()
    assert_held(nobody.get("/secret/"), "/secret/")
    move()
    code = open_page(nobody)
    move()
    assert nobody.post(VERIFY, {"code": code}).status_code == 302
    move()
    assert nobody.get("/user/").content == b"alice"


@pytest.mark.parametrize("page", PAGES)
def test_changed_address_keeps_the_cart_of_an_anonymous_visitor(
    engine: str, nobody: Any, move: Callable[[], None], settings: Any, page: str
) -> None:
    """Whatever the page does with the session, and whatever it does not."""
    nobody.cookies["sessionid"] = with_a_session(settings)
    move()
    nobody.get(page)
    move()
    assert nobody.get("/session/").content == b"cheese"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_engine_that_writes_in_load_shows_no_gate(
    settings: Any,
    engine: str,
    alice: Any,
    move: Callable[[], None],
    person: Any,
    server: str,
    page: str,
) -> None:
    """Status, headers, cookies, body and stored sessions are those of a site without the gate."""
    key = person(settings)
    move()
    gated = Visit(server, key, page)
    stored = Session.objects.count()
    Session.objects.all().delete()
    key = person(settings)
    take_gate_away(settings)
    move()
    assert gated.seen == Visit(server, key, page).seen
    assert stored == Session.objects.count()


def test_stale_cookie_fills_no_store(engine: str, nobody: Any, settings: Any) -> None:
    """An engine that stores a session for each key that is gone does so where a page looks."""
    key = with_a_stale_cookie(settings)
    for _ in range(5):
        nobody.cookies["sessionid"] = key
        nobody.get("/nothing/")
    assert not Session.objects.exists()


@pytest.mark.parametrize("page", PAGES)
def test_key_changed_in_load_reaches_the_browser(
    settings: Any, nobody: Any, alice: Any, page: str
) -> None:
    """The old key is gone, so that a page that does not look must carry the new one, too."""
    settings.ROOT_URLCONF = "tests.urlconfs.traces"
    settings.SESSION_ENGINE = "tests.engines.rotating"
    pass_gate(nobody)
    for _ in range(2):
        before = nobody.cookies["sessionid"].value
        response = nobody.get(page)
        assert response.cookies["sessionid"].value not in ("", before)
        assert "Cookie" in response["Vary"]
    assert nobody.get("/user/").content == b"alice"
    assert Session.objects.count() == 1


def test_key_changed_in_load_keeps_the_login_held(settings: Any, nobody: Any, alice: Any) -> None:
    """A login under an engine that rotates keys still waits for its code."""
    settings.SESSION_ENGINE = "tests.engines.rotating"
    log_in(nobody)
    assert_held(nobody.get("/secret/"), "/secret/")
    assert nobody.post(VERIFY, {"code": open_page(nobody)}).status_code == 302
    assert nobody.get("/secret/").content == b"secret of alice"


def test_engine_loads_anew_after_the_gates_look(
    settings: Any, engine: str, move: Callable[[], None], db: None
) -> None:
    """What the gate found is given out once: a program that loads again sees what is stored."""
    store = noting.SessionStore(with_a_session(settings))
    move()
    assert reading.read(store)["basket"] == "cheese"
    assert reading.read(store) is reading.loaded(store)
    assert async_to_sync(reading.aread)(store) is reading.loaded(store)
    other = noting.SessionStore(store.session_key)
    other["basket"] = "bread"
    other.save()
    assert store.load()["basket"] == "cheese"
    assert store.load()["basket"] == "bread"


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_engine_that_fails_leaves_no_trace_in_report_mode(
    settings: Any, monkeypatch: pytest.MonkeyPatch, engine: str, server: str, db: None
) -> None:
    """A gate that stops no request adds no `Vary` to a page that never looked."""
    settings.OTP_GATE = {"MODE": "report"}
    key = with_a_session(settings)

    def fail(self: Any, data: Any) -> Any:
        raise OSError

    monkeypatch.setattr(noting.SessionStore, "note", fail)
    gated = Visit(server, key, "/nothing/")
    take_gate_away(settings)
    assert gated.seen == Visit(server, key, "/nothing/").seen


def test_lost_code_is_noted_without_a_new_address(
    engine: str, half: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of the session that is stored on a fault of Redis is made of the session itself."""
    from otp_gate import session

    store = noting.SessionStore(half.session.session_key)
    store.address = "of this object alone"  # type: ignore[misc]
    pending = session.pending_of(session.read(store))
    assert pending is not None
    session.note_lost(store, pending.nonce, "digest")
    saved = half.session
    assert saved["address"] == "of this object alone"
    assert session.pending_of(session.read(saved)) == pending._replace(lost=["digest"])
