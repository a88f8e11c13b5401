"""A code that Redis keeps and nobody was sent is taken back as soon as the session is heard again.

Its script ran, but the answer was lost, and the page could only say 503. Left alone, that code
would be "alive", and the next page would speak of a message that never left.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import OperationalError
from django.test import Client

from otp_gate import codes, scripts, store
from otp_gate.delivery.base import Message
from otp_gate.factors.email import EmailCode
from tests.browsers import is_in, post_json, redis_commands, reference_on, status_of
from tests.clock import Clock
from tests.faults.losses import answering, answers_lost
from tests.helpers import DISOWN, RESEND, VERIFY, disown_link, last_code, open_page, wrong_code


def sends_of(user: Any) -> int:
    """Return how many codes are counted against SENDS."""
    times = store.client("default").hget(store.record_key(codes.user_digest(str(user.pk))), "s")
    return len(times or "") // 10


def assert_sent(page: Any, mails: int) -> None:
    """So many mails have left, and the last one is that of which the page speaks."""
    assert page.status_code == 200
    assert len(mail.outbox) == mails
    assert f"Reference: {reference_on(page)} " in mail.outbox[-1].body


def test_the_next_page_sends_the_code_that_was_lost(held: Any, alice: Any) -> None:
    """One mail, of which the page speaks; one send is counted; its code opens the gate."""
    with answers_lost():
        assert held.get(VERIFY).status_code == 503
    assert mail.outbox == []
    assert sends_of(alice) == 1
    assert_sent(held.get(VERIFY), 1)
    assert sends_of(alice) == 1
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302
    assert is_in(held)


def test_taking_back_costs_one_round_trip(half: Client, settings: Any) -> None:
    """It goes before the question that is asked anyway; only in a session that lost a code."""
    settings.OTP_GATE = {"SENDS": []}
    with answers_lost():
        half.get(VERIFY)
    for act in (lambda: half.get(VERIFY), lambda: half.post(VERIFY, {"code": last_code()})):
        with redis_commands() as seen:
            act()
        # (A script that this server has not seen yet is sent whole, after that.)
        assert [name for name in seen if name != "EVAL"] == ["EVALSHA", "EVALSHA"]


def test_a_program_is_told_that_nothing_is_on_its_way(held: Any) -> None:
    """As JSON: 503, then "none", then a code that leaves."""
    with answers_lost():
        assert post_json(held, RESEND).json()["code"] == "unavailable"
    assert status_of(held)["status"] == "none"
    assert post_json(held, RESEND).json()["status"] == "sent"
    assert post_json(held, VERIFY, {"code": last_code()}).json()["status"] == "verified"


def test_the_code_before_the_lost_one_still_works(half: Client, clock: Clock) -> None:
    """Another code was asked for and lost: the one in the mailbox is not superseded by it."""
    code = open_page(half)
    before = status_of(half)["reference"]
    clock.advance(31)
    with answers_lost():
        assert half.post(RESEND).status_code == 503
    assert half.post(VERIFY, {"code": code}).status_code == 302
    assert before in mail.outbox[-1].body
    assert len(mail.outbox) == 1


def test_a_wrong_answer_after_a_lost_code_counts_against_the_code_that_was_sent(
    half: Client, clock: Clock
) -> None:
    """Nobody can guess at a code that is not there."""
    open_page(half)
    half.post(VERIFY, {"code": wrong_code()})
    clock.advance(31)
    with answers_lost():
        half.post(RESEND)
    answer = post_json(half, VERIFY, {"code": wrong_code()}).json()
    assert (answer["code"], answer["attempts_left"]) == ("invalid", 3)


def test_a_script_that_runs_late_is_found_as_well(half: Client) -> None:
    """A server that was stopped runs what waits in its buffers, after the next try was answered."""
    waiting: list[Any] = []
    run = store.run_for_user

    def give_up(*args: Any, **given: Any) -> Any:
        waiting.append((args, given))
        raise store.StoreUnavailable("Redis (TimeoutError)")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "run_for_user", give_up)
        assert half.get(VERIFY).status_code == 503
    assert status_of(half)["status"] == "none"
    args, given = waiting[0]
    run(*args, **given)
    assert_sent(half.get(VERIFY), 1)


def test_every_code_of_a_bad_minute_is_taken_back(half: Client, settings: Any, alice: Any) -> None:
    """One after the other was lost; none of them is alive, counted, or superseded by another."""
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
    for _ in range(4):
        with answers_lost():
            assert half.post(RESEND).status_code == 503
        with answers_lost():
            assert half.get(VERIFY).status_code == 503
    assert_sent(half.get(VERIFY), 1)
    assert sends_of(alice) == 1
    assert half.post(VERIFY, {"code": last_code()}).status_code == 302


def test_the_breaker_of_the_site_forgets_it(half: Client, settings: Any) -> None:
    """A code that was lost while the whole site was counted is no send of the site."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (1, 900)}
    with answers_lost(after=1):
        assert half.get(VERIFY).status_code == 503
    assert mail.outbox == []
    assert_sent(half.get(VERIFY), 1)


def test_the_breaker_that_does_not_answer_keeps_the_code(half: Client, settings: Any) -> None:
    """Neither a lost answer nor a meaningless one lets a code leave uncounted."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (1, 900)}
    run = store.run

    def confuse(code: Any, *args: Any) -> Any:
        return "welcome" if code is scripts.WINDOW else run(code, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "run", confuse)
        assert half.get(VERIFY).status_code == 503
    assert mail.outbox == []
    assert_sent(half.get(VERIFY), 1)


def test_a_step_up_is_no_different(verified: Client, clock: Clock) -> None:
    """Whoever proves it again is sent the code that the fault swallowed, and is in all the time."""
    clock.advance(400)
    verified.get("/step-up/")
    sent = len(mail.outbox)
    with answers_lost():
        assert verified.get(VERIFY).status_code == 503
    assert is_in(verified)
    assert_sent(verified.get(VERIFY), sent + 1)
    verified.post(VERIFY, {"code": last_code()})
    assert verified.get("/step-up/").content == b"stepped up"


class Unsure:
    """A delivery that fails while Redis goes away."""

    error: BaseException = OSError()

    def send(self, message: Message) -> None:
        raise self.error


class ByUnsure(EmailCode):
    delivery = Unsure


def test_a_failed_delivery_that_cannot_be_taken_back_is_taken_back_later(
    half: Client, settings: Any, alice: Any
) -> None:
    """The mail server refuses, and then Redis is silent: nothing is used up all the same."""
    settings.OTP_GATE = {"FACTORS": [ByUnsure], "GLOBAL_SENDS": (1, 900)}
    with answers_lost(after=2) as seen:
        assert half.get(VERIFY).status_code == 503
    assert len(seen) == 3
    settings.OTP_GATE = {"GLOBAL_SENDS": (1, 900)}
    assert_sent(half.get(VERIFY), 1)
    assert sends_of(alice) == 1


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()], ids=["exit", "interrupt"])
def test_a_process_that_is_told_to_go_goes(
    half: Client, settings: Any, alice: Any, error: BaseException
) -> None:
    """A worker that is stopped while its mail server hangs is not held, and takes the code back."""
    settings.OTP_GATE = {"FACTORS": [ByUnsure]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unsure, "error", error)
        with pytest.raises(type(error)):
            half.get(VERIFY)
    assert sends_of(alice) == 0
    settings.OTP_GATE = {}
    assert_sent(half.get(VERIFY), 1)


def test_a_process_that_is_told_to_go_does_not_wait_for_redis(
    half: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes for the reason it was given, and the log says what was left behind."""
    settings.OTP_GATE = {"FACTORS": [ByUnsure]}
    with pytest.MonkeyPatch.context() as patch, answers_lost(after=2):
        patch.setattr(Unsure, "error", SystemExit(1))
        with pytest.raises(SystemExit):
            half.get(VERIFY)
    assert "Not delivered, and not taken back: Redis (TimeoutError)" in caplog.text


def test_a_session_that_is_gone_is_not_brought_back(half: Client) -> None:
    """Signed out in another window, while Redis was silent: what is remembered dies with it."""
    with answers_lost():
        key = half.cookies["sessionid"].value
        original = store.run_for_user

        def sign_out_first(*args: Any, **given: Any) -> Any:
            Session.objects.filter(pk=key).delete()
            return original(*args, **given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "run_for_user", sign_out_first)
            assert half.get(VERIFY).status_code == 503
    assert Session.objects.count() == 0
    assert half.get(VERIFY)["Location"].startswith("/login/")


def test_a_session_that_cannot_be_written_is_the_same_page(
    half: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis and the database fail together: 503, and not one word of what was to be saved."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("database is locked: eyJsb3N0Ijo")

    with answers_lost(), monkeypatch.context() as patch:
        patch.setattr("django.contrib.sessions.backends.db.SessionStore.save", fail)
        assert half.get(VERIFY).status_code == 503
    assert "Unavailable: session (OperationalError)" in caplog.text
    assert "eyJsb3N0Ijo" not in caplog.text
    # The code is lost, and nobody knows: it is another one that helps, as soon as it may be sent.
    assert half.get(VERIFY).status_code == 200


def test_an_ordinary_session_is_told_nothing(half: Client) -> None:
    """Only a fault writes to the session; issuing a code never does."""
    before = dict(half.session)
    open_page(half)
    assert dict(half.session) == before
    with answers_lost():
        half.post(RESEND)
    [lost] = half.session["_otp_gate_pending"][3]
    assert re.fullmatch(r"[\w-]{16}", lost)
    assert last_code() not in str(dict(half.session))


@pytest.mark.parametrize(
    "answer",
    ["OK", None, 1, [], "accepted", "welcome:0::1:1:0:0:", ["accepted:email"]]
    + ["alive:0::1:1:0:0:soon", "alive:0::1:1:0", {"accepted": 1}, True],
    ids=str,
)
def test_an_answer_that_means_nothing_lets_nobody_in(held: Any, answer: Any) -> None:
    """A proxy that answers by itself, or with the answer to somebody else: 503, and shut."""
    open_page(held)
    link = disown_link().split("token=")[1]
    with answering(answer):
        assert held.get(VERIFY).status_code == 503
        assert held.post(VERIFY, {"code": last_code()}).status_code == 503
        assert post_json(held, RESEND).json()["code"] == "unavailable"
        assert Client().post(DISOWN, {"token": link}).status_code == 503
        assert not is_in(held)
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302
