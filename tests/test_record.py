"""A user's record in Redis stays small and true, whatever its user and the server's clock do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from otp_gate import codes, store
from tests.browsers import ask_for_code, guess, is_in, post_json, status_of
from tests.clock import Clock
from tests.helpers import (
    DISOWN,
    JSON,
    PASSWORD,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    log_in,
    open_page,
)

BACKEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"
FREE = {"SENDS": [], "RESEND_COOLDOWN": 0, "CODE_TTL": 600}


def record_of(user: Any) -> dict[str, str]:
    key = store.record_key(codes.user_digest(str(user.pk)))
    found: dict[str, str] = store.client("default").hgetall(key)
    return found


def waiting() -> tuple[Client, str]:
    """Return a browser of Alice's that waits for a code, and the code."""
    client = Client()
    log_in(client)
    return client, ask_for_code(client)


def test_thirty_logins_have_a_code(alice: Any, settings: Any, clock: Clock) -> None:
    """The oldest gives way; its page says that no code is waiting, and sends another."""
    settings.OTP_GATE = FREE
    browsers = [waiting() for _ in range(31)]
    oldest, code = browsers[0]
    assert post_json(oldest, VERIFY, {"code": code}).json()["title"] == "No code is waiting"
    assert status_of(oldest)["status"] == "none"
    second, code = browsers[1]
    assert post_json(second, VERIFY, {"code": code}).json()["status"] == "verified"
    assert oldest.post(VERIFY, {"code": ask_for_code(oldest)}).status_code == 302
    size = len(str(record_of(alice)))
    for _ in range(40):
        waiting()
    assert len(str(record_of(alice))) < size + 500


def test_who_asks_again_gives_way_last(alice: Any, settings: Any, clock: Clock) -> None:
    """It is the last code that counts, not the login."""
    settings.OTP_GATE = FREE
    first, _ = waiting()
    for _ in range(29):
        waiting()
    code = ask_for_code(first)
    waiting()
    assert post_json(first, VERIFY, {"code": code}).json()["status"] == "verified"


def test_what_is_over_is_forgotten_with_the_next_code(
    alice: Any, settings: Any, clock: Clock
) -> None:
    """After PENDING_TTL nothing of a login stays but what is counted."""
    settings.OTP_GATE = {**FREE, "PENDING_TTL": 900}
    client, _ = waiting()
    clock.advance(30)
    ask_for_code(client)
    clock.advance(901)
    waiting()
    fields = [field[0] for field in record_of(alice)]
    assert sorted(fields) == ["c", "i", "u"]


def test_no_field_outgrows_what_redis_packs(alice: Any, clock: Clock) -> None:
    """Also with a second code and a few wrong answers: beyond 64 bytes it takes three times as much."""
    client, _ = waiting()
    guess(client, 2)
    clock.advance(31)
    ask_for_code(client)
    guess(client, 2)
    assert max(map(len, record_of(alice).values())) <= 64


def test_a_clock_set_back_lengthens_no_lock(half: Client, settings: Any, clock: Clock) -> None:
    """A minute stays a minute."""
    settings.OTP_GATE = {**FREE, "CODE_ATTEMPTS": 100}
    ask_for_code(half)
    guess(half, 10)
    clock.advance(-3600)
    answer = post_json(half, VERIFY, {"code": "000000"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    clock.advance(61)
    assert status_of(half)["status"] == "used_up"


def test_a_clock_set_back_lengthens_no_day(half: Client, settings: Any, clock: Clock) -> None:
    """The window of 24 hours ends 24 hours from now at the latest."""
    settings.OTP_GATE = {**FREE, "FAILURES": {"per_day": 2}, "PENDING_TTL": 200_000}
    ask_for_code(half)
    guess(half, 2)
    clock.advance(-3600)
    assert int(post_json(half, RESEND)["Retry-After"]) == 86_400
    clock.advance(86_401)
    assert post_json(half, RESEND).status_code == 200


def test_a_clock_set_back_lengthens_no_code(half: Client, settings: Any, clock: Clock) -> None:
    """Five minutes stay five minutes."""
    code = open_page(half)
    clock.advance(-3600)
    assert status_of(half)["expires_in"] == 300
    clock.advance(301)
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "expired"


def test_a_clock_set_back_lengthens_no_hold(half: Client, clock: Clock) -> None:
    """An hour stays an hour."""
    open_page(half)
    Client().post(DISOWN, {"token": disown_link().partition("token=")[2]})
    clock.advance(-7200)
    for pause, answer in ((0, 429), (3601, 200)):
        clock.advance(pause)
        owner = Client()
        log_in(owner)
        page = owner.get(VERIFY)
        assert (page.status_code, page.get("Retry-After")) == (
            answer,
            "3600" if not pause else None,
        )


@pytest.mark.parametrize("log", ["sent", "failed", "shared"])
def test_a_clock_set_back_lengthens_no_budget(
    half: Client, settings: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    """Neither that of codes, nor that of failures, nor that of an address."""
    settings.OTP_GATE = {"SENDS": [(1, 900)], "RESEND_COOLDOWN": 0, "PENDING_TTL": 10_000}
    if log != "shared":
        # From now on only what is sent to her counts against her.
        half.post(VERIFY, {"code": ask_for_code(half)})
        half.post("/logout/")
        log_in(half)
    with monkeypatch.context() as patch:
        if log == "failed":
            patch.setattr(BACKEND, lambda *_: 0)
        post_json(half, RESEND)
    if log == "shared":
        half.post(VERIFY, {"code": last_code()})
        get_user_model().objects.create_user("eve", "alice@example.org", PASSWORD)
        half = Client()
        log_in(half, "eve")
    clock.advance(-7200)
    answer = post_json(half, RESEND)
    assert int(answer["Retry-After"]) in (900, 901)
    clock.advance(902)
    assert post_json(half, RESEND).status_code == 200


def test_a_new_password_begins_anew(half: Client, alice: Any, settings: Any) -> None:
    """Row, lock and sends belong to the old one; what a lock made void stays void."""
    settings.OTP_GATE = {"SENDS": [(1, 900)], "CODE_ATTEMPTS": 50}
    open_page(half)
    guess(half, 10)
    assert status_of(half)["code"] == "locked"
    alice.set_password("quite new")
    alice.save()
    owner = Client()
    assert owner.login(username="alice", password="quite new")
    assert status_of(owner)["status"] == "none"
    settings.OTP_GATE = {"SENDS": [(2, 900)], "CODE_ATTEMPTS": 50}
    assert owner.post(VERIFY, {"code": ask_for_code(owner)}).status_code == 302
    assert is_in(owner)
    assert owner.get(VERIFY, headers=JSON).json()["status"] == "verified"
