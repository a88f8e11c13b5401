"""A-30 to A-46: sessions kept, shared, swapped, outlived and taken over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import views
from tests.browsers import redis_commands
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import CANCEL, PASSWORD, VERIFY, last_code, log_in, open_page, pass_gate


def with_cookie(key: str) -> Client:
    client = Client()
    client.cookies["sessionid"] = key
    return client


def test_a_30_the_old_session_is_worth_nothing(half: Client) -> None:
    """Another key and another CSRF token after the code; the old key is a stranger's."""
    csrf = half.get(VERIFY).cookies["csrftoken"].value
    old = half.cookies["sessionid"].value
    response = half.post(VERIFY, {"code": last_code()})
    assert response.cookies["sessionid"].value != old
    assert response.cookies["csrftoken"].value != csrf
    assert with_cookie(old).get("/secret/").content == b"secret of nobody"


def test_a_31_a_second_browser_of_a_verified_user_is_held(verified: Client) -> None:
    """What one session proved is no other's."""
    other = Client()
    log_in(other)
    assert_held(other.get("/secret/"), "/secret/")
    assert verified.get("/secret/").content == b"secret of alice"


def test_a_32_a_session_chosen_by_the_attacker_is_left_behind(alice: Any) -> None:
    """Neither the key that was there before the password nor the one before the code goes on."""
    victim = Client()
    victim.get("/open/")
    session = victim.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    victim.cookies["sessionid"] = planted
    log_in(victim)
    half = victim.cookies["sessionid"].value
    victim.post(VERIFY, {"code": open_page(victim)})
    verified = victim.cookies["sessionid"].value
    assert len({planted, half, verified}) == 3
    for key in (planted, half):
        assert b"alice" not in with_cookie(key).get("/secret/").content


def test_a_33_another_user_in_the_same_session_is_held(
    settings: Any, verified: Client, bob: Any
) -> None:
    """By a second login, and by another name from single sign-on."""
    put_around_gate(settings, after=["tests.middlewares.LogsIn"])
    assert_held(restarted(verified).get("/secret/", headers={"x-log-in": "bob"}), "/secret/")
    log_in(verified, "bob")
    assert_held(verified.get("/secret/"), "/secret/")
    log_in(verified, "alice")
    assert_held(verified.get("/secret/"), "/secret/")


def test_a_34_a_code_does_not_outlive_the_log_out(half: Client) -> None:
    """Logging in again needs a new one."""
    code = open_page(half)
    half.post(CANCEL)
    log_in(half)
    half.post(VERIFY, {"code": code})
    assert_held(half.get("/secret/"), "/secret/")


def test_a_35_a_new_password_ends_the_other_sessions(verified: Client, alice: Any) -> None:
    """Verified or not: who held the old one is out."""
    alice.set_password("another horse")
    alice.save()
    assert verified.get("/secret/").content == b"secret of nobody"


def test_a_36_a_new_secret_key_throws_nobody_out(settings: Any, verified: Client) -> None:
    """With the old one as a fallback; without it, nobody gets in."""
    other = Client()
    pass_gate(other)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["tests"]
    assert verified.get("/secret/").content == b"secret of alice"
    settings.SECRET_KEY_FALLBACKS = []
    assert other.get("/secret/").content == b"secret of nobody"


def test_a_37_a_half_session_holds_no_secret(half: Client) -> None:
    """Neither code nor digest nor password nor address, in session and cookies."""
    code = open_page(half)
    held = json.dumps(dict(half.session)) + str(half.cookies)
    for secret in (code, PASSWORD, "alice@example.org", "alice"):
        assert secret not in held


def test_a_38_a_flood_of_strangers_leaves_nothing(client: Client, db: None) -> None:
    """No session row, no cookie, no query and no Redis command, however many come."""
    with (
        redis_commands() as commands,
        CaptureQueriesContext(
            connection,
        ) as queries,
    ):
        for _ in range(300):
            response = client.get("/plain/")
            assert not response.cookies
    assert (len(queries), commands) == (0, [])
    assert not Session.objects.exists()


def test_a_39_nothing_lasts_for_ever(settings: Any, half: Client, clock: Clock) -> None:
    """A half-authenticated session ends; a verified one is asked again."""
    settings.OTP_GATE = {"VERIFIED_TTL": 3600}
    clock.advance(901)
    assert half.get("/secret/").content == b"secret of nobody"
    views.RAN.clear()
    pass_gate(half)
    assert half.get("/secret/").content == b"secret of alice"
    views.RAN.clear()
    clock.advance(3601)
    assert_held(half.get("/secret/"), "/secret/")


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_40_the_clock_of_a_worker_moves_no_code(
    half: Client, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """A code lives by the clock of Redis: a worker that goes wrong accepts and refuses the same."""
    code = open_page(half)
    there = half.get(VERIFY, headers={"accept": "application/json"}).json()["expires_in"]
    wrong = SimpleNamespace(time=lambda: time.time() + 60 * minutes)
    monkeypatch.setattr("otp_gate.session.time", wrong)
    later = half.get(VERIFY, headers={"accept": "application/json"}).json()["expires_in"]
    assert abs(there - later) <= 2
    monkeypatch.undo()
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_41_the_mark_of_a_deleted_user_is_void(verified: Client, alice: Any) -> None:
    """Also where somebody else is given his primary key."""
    pk = alice.pk
    alice.delete()
    heir = User.objects.create_user("heir", "heir@example.org", "other")
    User.objects.filter(pk=heir.pk).update(id=pk)
    assert b"heir" not in verified.get("/secret/").content


def test_a_43_a_lent_identity_is_not_verified(settings: Any, verified: Client, bob: Any) -> None:
    """Whoever acts as somebody else is asked for that one's code, and is himself afterwards."""
    put_around_gate(settings, before=["tests.middlewares.Lends"])
    lent = {"x-lend": "bob"}
    assert_held(restarted(verified).get("/secret/", headers=lent), "/secret/")
    assert verified.get("/secret/").content == b"secret of alice"


def test_a_43_impersonation_is_never_silently_verified(
    settings: Any, verified: Client, alice: Any, bob: Any
) -> None:
    """django-hijack as it comes: held as the other, and held as himself when he is back."""
    pytest.importorskip("hijack")
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "hijack"]
    settings.ROOT_URLCONF = "tests.urlconfs.impersonation"
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    verified.post("/hijack/acquire/", {"user_pk": bob.pk})
    assert verified.session["_auth_user_id"] == str(bob.pk)
    assert_held(verified.get("/secret/"), "/secret/")
    assert_held(verified.post("/hijack/release/"))
    verified.post("/open-release/")
    assert verified.session["_auth_user_id"] == str(alice.pk)
    assert_held(verified.get("/secret/"), "/secret/")


def test_a_44_a_promotion_is_asked_about_at_once(settings: Any, half: Client, alice: Any) -> None:
    """A policy is no snapshot of the day of the login."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    assert half.get("/secret/").content == b"secret of alice"
    views.RAN.clear()
    alice.is_staff = True
    alice.save()
    assert_held(half.get("/secret/"), "/secret/")


def test_a_45_report_mode_is_loud(
    settings: Any, half: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """It lets through, writes each down, and the check of a deployment names it."""
    settings.OTP_GATE = {"MODE": "report"}
    with caplog.at_level("INFO", "otp_gate"):
        assert half.get("/secret/").content == b"secret of alice"
    assert "Would turn away" in caplog.text
    warned = run_checks(include_deployment_checks=True)
    assert "otp_gate.W001" in {message.id for message in warned}


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file"])
def test_a_46_every_session_engine_holds(
    use_engine: Callable[[str], None], alice: Any, engine: str
) -> None:
    """Held before the code, in after it, a stranger after the log-out."""
    use_engine(engine)
    client = Client()
    log_in(client)
    assert_held(client.get("/secret/"), "/secret/")
    client.post(VERIFY, {"code": open_page(client)})
    assert client.get("/secret/").content == b"secret of alice"
    key = client.cookies["sessionid"].value
    client.post("/logout/")
    assert with_cookie(key).get("/secret/").content == b"secret of nobody"
