"""What the gate keeps in the session, on every session engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from otp_gate import session, store
from tests import views
from tests.clock import Clock
from tests.gates import assert_held
from tests.helpers import VERIFY, codes_sent, last_code, log_in, open_page, pass_gate

ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, use_engine: Callable[[str], None]) -> str:
    """Each session engine that Django ships."""
    use_engine(request.param)
    return str(request.param)


def test_the_way_in_and_out(engine: str, alice: Any, nobody: Any) -> None:
    """Held, sent, in, out, held again."""
    for _ in range(2):
        log_in(nobody)
        assert_held(nobody.get("/secret/"), "/secret/")
        assert_held(nobody.get("/asecret/"), "/asecret/")
        assert nobody.get("/open/").content == b"open to nobody"
        assert nobody.post(VERIFY, {"code": open_page(nobody)}).status_code == 302
        assert nobody.get("/secret/").content == b"secret of alice"
        assert nobody.get("/asecret/").content == b"secret of alice"
        nobody.post("/logout/")
        views.RAN.clear()


def test_the_key_is_another_after_the_code(engine: str, half: Client) -> None:
    """Whoever knew the session before the code is left with nobody's, or with a half one."""
    before = half.cookies["sessionid"].value
    half.post(VERIFY, {"code": open_page(half)})
    assert half.cookies["sessionid"].value != before
    assert half.get("/secret/").content == b"secret of alice"
    views.RAN.clear()
    thief = Client()
    thief.cookies["sessionid"] = before
    response = thief.get("/secret/")
    # A signed cookie cannot be taken back; it holds what it held, which opens nothing.
    assert response.status_code == (302 if engine == "signed_cookies" else 200)
    assert response.content in (b"", b"secret of nobody")


def test_a_code_that_two_redis_accept_opens_one_session(
    engine: str, half: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover the new primary may not know what the old one has accepted."""
    code = open_page(half)
    other = Client()
    other.cookies["sessionid"] = half.cookies["sessionid"].value
    redis = store.client("default")
    [key] = redis.keys("*otp_gate:*}")
    before, set_verified = redis.hgetall(key), session.set_verified

    def while_another_is_let_in(*args: Any) -> Any:
        monkeypatch.undo()
        redis.delete(key)
        redis.hset(key, mapping=before)
        assert other.post(VERIFY, {"code": code}).status_code == 302
        return set_verified(*args)

    monkeypatch.setattr(session, "set_verified", while_another_is_let_in)
    response = half.post(VERIFY, {"code": code})
    assert other.get("/secret/").content == b"secret of alice"
    if engine == "signed_cookies":  # Nothing on the server can be ended: a check warns of it.
        return
    assert response.status_code == 503
    assert "sessionid" not in response.cookies
    assert half.get("/secret/").content != b"secret of alice"


def test_a_step_up_keeps_the_session(engine: str, alice: Any, nobody: Any, clock: Clock) -> None:
    """The mark is kept while another code is asked for."""
    pass_gate(nobody)
    clock.advance(301)
    for page in ("/step-up/", "/astep-up/", "/step-up-class/"):
        assert_held(nobody.get(page), page)
    assert nobody.get("/secret/").content == b"secret of alice"
    nobody.post(VERIFY, {"code": open_page(nobody)})
    assert nobody.get("/astep-up/").content == b"stepped up"


def test_an_overdue_session_is_emptied(engine: str, half: Client, clock: Clock) -> None:
    """After PENDING_TTL nothing of it is left."""
    clock.advance(901)
    assert half.get("/secret/").content == b"secret of nobody"
    assert half.cookies["sessionid"].value == ""
    assert not Session.objects.exists()


@pytest.mark.parametrize("cookie", ["a" * 32, "../../../etc/passwd", "\0" * 32, "short", "ü" * 32])
def test_a_cookie_that_names_nothing(engine: str, nobody: Any, cookie: str) -> None:
    """Looked for and not found, in any engine: a stranger, and nothing is stored for him."""
    nobody.cookies["sessionid"] = cookie
    for page in ("/plain/", "/secret/", "/asecret/"):
        assert nobody.get(page).status_code == 200
    assert not Session.objects.exists()


def test_a_half_session_tells_nothing(half: Client) -> None:
    """Neither code nor digest, address or password: what is stolen is of no use for the code."""
    code = open_page(half)
    held = json.dumps(dict(half.session.items()))
    for secret in (code, "alice@example.org", "alice", "correct horse"):
        assert secret not in held
    assert set(half.session.keys()) == {
        "_auth_user_id",
        "_auth_user_backend",
        "_auth_user_hash",
        "_otp_gate_pending",
    }


def test_a_session_of_one_browser_is_no_others(half: Client, alice: Any) -> None:
    """The code of one session opens no second one of the same user."""
    other = Client()
    log_in(other)
    code = open_page(half)
    open_page(other)
    other.post(VERIFY, {"code": codes_sent()[0]})
    assert_held(other.get("/secret/"), "/secret/")
    assert half.post(VERIFY, {"code": code}).status_code == 302
    assert last_code() != code


def test_the_secret_key_may_be_changed(settings: Any, alice: Any, nobody: Any) -> None:
    """With the old one among the fallbacks the verified stay verified."""
    pass_gate(nobody)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert nobody.get("/secret/").content == b"secret of alice"
    assert nobody.get("/secret/").content == b"secret of alice"


@pytest.fixture
def no_sessions(held: Any) -> Any:
    """The table of sessions is gone."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO away")
    return held


def test_a_session_store_that_is_away_opens_nothing(no_sessions: Any) -> None:
    """A session that cannot be read may be a half-authenticated one."""
    response = no_sessions.get("/secret/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "no-store" in response["Cache-Control"]
    assert not views.RAN


def test_a_session_store_that_is_away_while_the_gate_reports(
    settings: Any, no_sessions: Any
) -> None:
    """A gate that stops nobody does not do so here."""
    settings.OTP_GATE = {"MODE": "report"}
    assert no_sessions.get("/plain/").content == b"plain"


# What stands in a session and was never written there by the gate

WHEN = 1_700_000_000.0
ODD_MARKS = [None, True, 5, "email", [], ["1"], {"x": 1}]
ODD_MARK = [
    *(None, False, 0, "", [], {}, True, 5, "email", [WHEN], [WHEN, "email", 1]),
    *(["x", "email"], [None, None], [WHEN, None], {"at": WHEN, "factor": "email"}),
    *([float("nan"), "email"], [float("inf"), "email"], [-1.0, "email"], [1e300, "email"]),
]
ODD_PENDING = [
    *(True, 5, "abc", {"nonce": "abc"}, [], ["abc"], ["abc", WHEN]),
    *(["abc", "x", False], ["abc", None, False], [5, WHEN, False], ["abc", WHEN, "no"]),
    *(["abc", WHEN, False, 5], ["abc", WHEN, False, [], 1], ["abc", float("nan"), False]),
]
ODD_KEPT = [True, 5, "waits", {"note": "waits"}, ["waits"], [*["x"] * 7, False], [5] * 10]


def write(client: Any, name: str, value: Any) -> None:
    """Put something into the session behind the gate's back."""
    there = getattr(client, "client", client).session
    there[name] = value
    there.save()


def assert_held_until_the_code(client: Any) -> None:
    assert_held(client.get("/secret/"), "/secret/")
    assert client.get(VERIFY).status_code == 200
    assert client.post(VERIFY, {"code": last_code()}).status_code == 302
    assert client.get("/secret/").content == b"secret of alice"


@pytest.mark.parametrize("ttl", [None, 3600])
@pytest.mark.parametrize("entry", ODD_MARK, ids=repr)
def test_what_is_no_mark_lets_nobody_in(
    settings: Any, held: Any, alice: Any, entry: Any, ttl: int | None
) -> None:
    """And keeps nobody out: the code mends it."""
    settings.OTP_GATE = {"VERIFIED_TTL": ttl}
    write(held, session.MARKS, {str(alice.pk): entry})
    assert_held_until_the_code(held)


@pytest.mark.parametrize("entry", ODD_MARKS, ids=repr)
def test_what_are_no_marks_let_nobody_in(held: Any, entry: Any) -> None:
    """The same for the place where the marks are."""
    write(held, session.MARKS, entry)
    assert_held_until_the_code(held)


@pytest.mark.parametrize("entry", ODD_PENDING, ids=repr)
def test_what_is_no_challenge_stops_nobody(held: Any, entry: Any) -> None:
    """The login goes on with a new one, or ends; the way out is open."""
    write(held, session.PENDING, entry)
    response = held.get("/secret/")
    assert (response.status_code, response.content) in [(302, b""), (200, b"secret of nobody")]
    assert held.get(VERIFY).status_code in (200, 302)
    write(held, session.PENDING, entry)
    assert held.post("/otp/cancel/")["Location"] == "/login/"


@pytest.mark.parametrize("lost", [[5], [None], [["x"]]], ids=repr)
def test_what_is_no_lost_code_stops_nobody(held: Any, lost: Any) -> None:
    """It is looked for in vain."""
    write(held, session.PENDING, ["abc", time.time(), False, lost])
    assert held.get(VERIFY).status_code == 200
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302


@pytest.mark.parametrize("entry", ODD_KEPT, ids=repr)
def test_what_is_no_kept_request_stops_nobody(passed: Any, entry: Any) -> None:
    """Nothing was kept, so nothing goes on."""
    write(passed, session.KEPT, entry)
    assert passed.get("/secret/").content == b"secret of alice"
    assert passed.get("/secret/?otp_gate_resume=abc")["Location"] == "/secret/"
    assert passed.post(VERIFY).status_code == 302
    assert passed.post("/otp/cancel/")["Location"] == "/login/"


@pytest.mark.parametrize(("ahead", "in_time"), [(20, True), (600, False)])
def test_a_worker_whose_clock_is_ahead_makes_no_code_fresher(
    settings: Any, half: Client, monkeypatch: pytest.MonkeyPatch, ahead: int, in_time: bool
) -> None:
    """What was written long after now is as good as too old; half a minute is what clocks differ."""
    settings.OTP_GATE = {"VERIFIED_TTL": 7200}
    code = open_page(half)
    wrong = SimpleNamespace(time=lambda: time.time() + ahead)
    monkeypatch.setattr("otp_gate.session.time", wrong)
    assert half.post(VERIFY, {"code": code}).status_code == 302
    monkeypatch.undo()
    settings.OTP_GATE = {}
    assert half.get("/secret/").content == b"secret of alice"
    assert half.get("/step-up/").status_code == (200 if in_time else 302)
    settings.OTP_GATE = {"VERIFIED_TTL": 7200}
    assert half.get("/secret/").status_code == (200 if in_time else 302)
