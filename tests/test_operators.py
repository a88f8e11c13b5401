"""Break-glass, status and unlock: what the people who run a site can do for a user."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from otp_gate import codes, signals, store
from otp_gate.challenge import Challenge
from tests.browsers import ask_for_code, guess, is_in, number_on, post_json, status_of
from tests.clock import Clock
from tests.commands import manage
from tests.helpers import JSON, PASSWORD, RESEND, VERIFY, disown_link, last_code, log_in, open_page

FREE = {"CODE_ATTEMPTS": 1000, "SENDS": [], "RESEND_COOLDOWN": 0}


def other_than(code: str) -> str:
    """Return a code that is not this one, nor that of the last mail."""
    return str((int(code) + 1) % 1_000_000).zfill(6)


def dumped() -> str:
    """Return everything that Redis holds of people."""
    redis = store.client("default")
    return repr({key: redis.hgetall(key) for key in redis.keys("*otp_gate:*}")})


def another_session() -> Client:
    client = Client()
    log_in(client)
    return client


# The code that an operator reads out


def test_an_operators_code_opens_a_session(held: Any, alice: Any) -> None:
    """Nothing was sent: the code that was read out leads in, and the session says by what."""
    code = manage("code", "alice").code
    assert re.fullmatch(r"\d{6}", code)
    response = held.post(VERIFY, {"code": f"{code[:3]} {code[3:]}", "next": "/secret/"})
    assert (response.status_code, response["Location"]) == (302, "/secret/")
    assert is_in(held)
    assert held.get("/status/").json()["factor"] == "operator"


def test_it_works_once(half: Client, alice: Any) -> None:
    """One session, one time: neither another session nor a later login of the same browser."""
    code = manage("code", "alice").code
    other = another_session()
    half.post(VERIFY, {"code": code})
    assert is_in(half)
    assert post_json(other, VERIFY, {"code": code}).json()["code"] == "invalid"
    log_in(half)
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "invalid"
    assert not is_in(half)
    assert not is_in(other)


def test_it_is_of_one_user(half: Client, alice: Any, bob: Any) -> None:
    """The code for Bob opens nothing of Alice's."""
    code = manage("code", "bob").code
    assert post_json(half, VERIFY, {"code": code}).json()["code"] == "invalid"
    assert not is_in(half)


def test_its_digest_is_of_one_user() -> None:
    """Copied in Redis from one record into another it opens nothing; nor is it that of a mail."""
    digests = [codes.operator_digest(*pair) for pair in (("1", "123456"), ("2", "123456"))]
    digests += [codes.operator_digest("12", "3456"), codes.code_digest("1", "", "123456")]
    assert len(set(digests)) == 4


def test_it_does_not_replace_the_password(alice: Any) -> None:
    """Who is not logged in at all is sent to the login, code or no code."""
    client = Client()
    response = client.post(VERIFY, {"code": manage("code", "alice").code})
    assert response["Location"].startswith("/login/")
    assert not is_in(client)


@pytest.mark.parametrize(("arguments", "life"), [([], 300), (["--ttl", "60"], 60)])
def test_it_dies_by_itself(
    half: Client, alice: Any, clock: Clock, arguments: list[str], life: int
) -> None:
    """After CODE_TTL, or as long as the operator says."""
    code = manage("code", "alice", *arguments).code
    clock.advance(life + 1)
    assert post_json(half, VERIFY, {"code": code}).status_code == 400
    assert not is_in(half)


def test_it_lives_no_longer_than_ten_minutes(alice: Any, settings: Any, clock: Clock) -> None:
    """ASVS 6.5.5 holds for an operator too, whatever CODE_TTL says."""
    assert "600" in manage("code", "alice", "--ttl", "601").failed
    assert "not 0" in manage("code", "alice", "--ttl", "0").failed
    settings.OTP_GATE = {"CODE_TTL": 3000, "PENDING_TTL": 3000}
    half, code = another_session(), manage("code", "alice").code
    assert len(code) == 6
    clock.advance(601)
    assert post_json(half, VERIFY, {"code": code}).status_code == 400


def test_a_new_one_takes_the_place_of_the_old(half: Client, alice: Any) -> None:
    """Two on their way would be two chances to guess."""
    old, new = manage("code", "alice").code, manage("code", "alice").code
    assert old == new or post_json(half, VERIFY, {"code": old}).status_code == 400
    assert post_json(half, VERIFY, {"code": new}).status_code == 200


def test_guesses_at_it_count(half: Client, alice: Any) -> None:
    """Where only an operator's code waits, five wrong answers make it void."""
    code = manage("code", "alice").code
    wrong = other_than(code)
    left = [post_json(half, VERIFY, {"code": wrong}).json()["attempts_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert post_json(half, VERIFY, {"code": code}).status_code == 400
    assert not is_in(half)
    assert "5 in a row" in manage("status", "alice").out


def test_guesses_at_it_from_several_sessions_count_together(alice: Any) -> None:
    """A session more is no attempt more."""
    code = manage("code", "alice").code
    for _ in range(5):
        post_json(another_session(), VERIFY, {"code": other_than(code)})
    assert post_json(another_session(), VERIFY, {"code": code}).status_code == 400


def test_ten_guesses_lock_and_make_it_void(half: Client, alice: Any, settings: Any) -> None:
    """The user's lock is the same, and the code does not wait behind it."""
    settings.OTP_GATE = FREE
    code = manage("code", "alice").code
    for _ in range(10):
        post_json(half, VERIFY, {"code": other_than(code)})
    assert post_json(half, VERIFY, {"code": code}).status_code == 429
    manage("unlock", "alice")
    assert post_json(half, VERIFY, {"code": code}).status_code == 400
    assert not is_in(half)


def test_it_works_beside_the_code_of_a_mail(half: Client, alice: Any) -> None:
    """Either opens the session in which it is typed; one wrong answer is one, not two."""
    sent = open_page(half)
    code = manage("code", "alice").code
    assert guess(half).json()["attempts_left"] == 4
    assert "1 in a row" in manage("status", "alice").out
    assert half.post(VERIFY, {"code": sent}).status_code == 302
    assert re.search("operator, expires in .*, 1 wrong answers", manage("status", "alice").out)
    other = another_session()
    assert other.post(VERIFY, {"code": code}).status_code == 302
    assert is_in(half)
    assert is_in(other)


def test_a_late_code_is_late_while_it_waits(half: Client, alice: Any, clock: Clock) -> None:
    """The code of the mail is told as what it is, and is no guess at the operator's."""
    sent = open_page(half)
    clock.advance(301)
    manage("code", "alice")
    assert post_json(half, VERIFY, {"code": sent}).json()["code"] == "expired"
    assert "0 in a row" in manage("status", "alice").out


def test_an_earlier_code_is_earlier_while_it_waits(half: Client, alice: Any, clock: Clock) -> None:
    """The code before is told as what it is, and the operator's still leads in."""
    sent = open_page(half)
    clock.advance(31)
    half.post(RESEND)
    code = manage("code", "alice").code
    assert post_json(half, VERIFY, {"code": sent}).json()["code"] == "superseded"
    assert post_json(half, VERIFY, {"code": code}).json()["status"] == "verified"


def test_it_works_after_the_code_of_a_mail_is_void(half: Client, alice: Any) -> None:
    """Five wrong answers used the mail's code up: then the operator helps."""
    open_page(half)
    guess(half, 5)
    assert status_of(half)["status"] == "used_up"
    code = manage("code", "alice").code
    page = half.post(VERIFY, {"code": other_than(code)})
    assert "Invalid one-time password" in page.content.decode()
    assert number_on(page, "Attempts left") == 4
    half.post(VERIFY, {"code": code})
    assert is_in(half)


def test_a_guess_at_it_does_not_stand_in_the_way_of_a_mail(half: Client, alice: Any) -> None:
    """Whoever typed the operator's code wrong may ask for one of their own at once."""
    code = manage("code", "alice").code
    post_json(half, VERIFY, {"code": other_than(code)})
    assert status_of(half)["resend_in"] == 0
    assert half.post(VERIFY, {"code": ask_for_code(half)}).status_code == 302
    assert is_in(half)


def test_it_opens_nothing_after_this_was_not_me(half: Client, alice: Any) -> None:
    """Whoever disowns a login disowns it for good, and no new code is made for a while."""
    open_page(half)
    code = manage("code", "alice").code
    link = disown_link()
    Client().post(link)
    other = another_session()
    assert post_json(other, VERIFY, {"code": code}).status_code != 200
    half.post(VERIFY, {"code": code})
    assert not is_in(half)
    assert not is_in(other)
    assert "alice is locked" in manage("code", "alice").failed
    assert "this wasn't me" in manage("status", "alice").out


def test_a_repeated_call_hears_the_first_answer(half: Client, alice: Any) -> None:
    """A client library may run the script twice: the second time is told the same."""
    code = manage("code", "alice").code
    mine = Challenge.of(alice, "nonce")
    run, attempts = store.run_for_user, []

    def twice(script: Any, *args: Any, **given: Any) -> Any:
        first = run(script, *args, **given)
        attempts.append((first, run(script, *args, **given)))
        return first

    store.run_for_user = twice
    try:
        wrong, right = mine.verify(other_than(code)), mine.verify(code)
    finally:
        store.run_for_user = run
    assert (wrong.outcome.value, right.outcome.value, right.factor) == (
        "invalid",
        "accepted",
        "operator",
    )
    assert attempts[1][0] == attempts[1][1] == "accepted:operator"
    assert attempts[0][1].startswith("invalid:")
    assert "0 in a row" in manage("status", "alice").out
    assert "1 of 30 in 24 hours" in manage("status", "alice").out


# Whom no factor can reach


@pytest.fixture
def unreachable(half: Client, alice: Any) -> Client:
    """Alice's browser after the password; she has no address any more."""
    alice.email = ""
    alice.save()
    return half


def test_who_cannot_be_reached_is_helped_by_an_operator(unreachable: Client) -> None:
    """The page has a field as soon as there is something to type into it."""
    assert 'name="code"' not in unreachable.get(VERIFY).content.decode()
    code = manage("code", "alice").code
    page = unreachable.get(VERIFY)
    assert 'name="code"' in page.content.decode()
    assert "()" not in page.content.decode()
    wrong = unreachable.post(VERIFY, {"code": other_than(code)})
    assert "Invalid one-time password" in wrong.content.decode()
    assert number_on(wrong, "Attempts left") == 4
    assert unreachable.post(VERIFY, {"code": code}).status_code == 302
    assert is_in(unreachable)


def test_who_cannot_be_reached_is_helped_by_an_operator_as_json(unreachable: Client) -> None:
    """A program is told what is pending, and gets in the same way."""
    assert status_of(unreachable)["code"] == "undeliverable"
    code = manage("code", "alice").code
    told = status_of(unreachable)
    assert (told["status"], told["factor"], told["attempts_left"]) == ("pending", None, 5)
    assert 290 <= told["expires_in"] <= 300
    assert post_json(unreachable, VERIFY, {"code": code}).json()["status"] == "verified"


@pytest.mark.parametrize("typed", ["123456", "", "nonsense", "1234567"])
def test_who_cannot_be_reached_has_nothing_to_type(unreachable: Client, typed: str) -> None:
    """Without an operator's code, an answer is no guess, and says what is missing."""
    for response in (
        unreachable.post(VERIFY, {"code": typed}),
        unreachable.post(VERIFY, {"code": typed, "factor": "email"}),
    ):
        assert "We cannot send you a code" in response.content.decode()
    answer = post_json(unreachable, VERIFY, {"code": typed})
    assert (answer.status_code, answer.json()["missing"]) == (502, "an email address")
    assert "0 in a row" in manage("status", "alice").out


def test_who_cannot_be_reached_is_locked_like_anybody(unreachable: Client, settings: Any) -> None:
    """Guesses at an operator's code lock, and the page says so."""
    settings.OTP_GATE = FREE
    code = manage("code", "alice").code
    for _ in range(10):
        post_json(unreachable, VERIFY, {"code": other_than(code)})
    assert post_json(unreachable, VERIFY, {"code": code}).json()["code"] == "locked"
    assert post_json(unreachable, VERIFY, {"code": "nonsense"}).json()["code"] == "locked"


# What is told, and to whom


def test_the_code_is_on_the_terminal_and_nowhere_else(
    half: Client, alice: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says who made it for whom; Redis holds a digest that names nobody."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("SUDO_USER", "eve\nAccepted: user 1")
    told = manage("code", "alice")
    [record] = [item for item in caplog.records if item.name == "otp_gate"]
    assert record.levelname == "WARNING"
    assert f"Operator's code: user {alice.pk}, by " in record.getMessage()
    assert "SUDO_USER 'eve\\nAccepted: user 1'" in record.getMessage()
    assert "somebody-else" not in record.getMessage()
    assert "\n" not in record.getMessage()
    assert told.code not in caplog.text
    assert told.code not in dumped()
    assert told.code not in told.err.replace(" ", "")
    assert "alice" not in dumped()
    assert "works once, for 5 minutes" in told.err


def test_a_project_hears_of_it(half: Client, alice: Any) -> None:
    """One signal when it is made, and the usual one when it is used."""
    heard: list[dict[str, Any]] = []

    def hear(**named: Any) -> None:
        heard.append(named)

    signals.operator_code_made.connect(hear)
    signals.code_accepted.connect(hear)
    try:
        code = manage("code", "alice", "--ttl", "90").code
        half.post(VERIFY, {"code": code})
    finally:
        signals.operator_code_made.disconnect(hear)
        signals.code_accepted.disconnect(hear)
    made, used = heard
    assert (made["sender"], made["user"], made["expires_in"]) == (get_user_model(), alice, 90)
    assert made["operator"]
    assert code not in repr(heard)
    assert (used["user"], used["factor"]) == (alice, "operator")


@pytest.mark.parametrize("missing", ["name", "module"])
def test_who_made_it_is_named_anywhere(
    alice: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """In a container without a name for its user, and where there is no `pwd` at all."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    if missing == "name":
        monkeypatch.setattr("os.getuid", lambda: 2_000_000_000)
        wanted = "uid 2000000000"
    else:
        monkeypatch.setitem(__import__("sys").modules, "pwd", None)
        monkeypatch.setattr("getpass.getuser", lambda: "window-cleaner")
        wanted = "window-cleaner"
    manage("code", "alice")
    assert caplog.messages == [f"Operator's code: user {alice.pk}, by {wanted}"]


def test_who_is_not_active_gets_none(alice: Any) -> None:
    """Nobody reads a code to somebody who cannot log in."""
    alice.is_active = False
    alice.save()
    assert "alice is not active" in manage("code", "alice").failed
    assert dumped() == "{}"


# status


def test_status_of_somebody_new(alice: Any) -> None:
    """Open, and nothing counted."""
    told = manage("status", "alice").out.splitlines()
    assert told[0] == f"alice (id {alice.pk})"
    assert [line.split() for line in told[1:]] == [
        ["Second", "step:", "open"],
        [
            "Wrong",
            "answers:",
            "0",
            "in",
            "a",
            "row",
            "(a",
            "lock",
            "after",
            "every",
            "10,",
            "a",
            "stop",
            "after",
            "100),",
            "0",
            "of",
            "30",
            "in",
            "24",
            "hours",
        ],
        [
            "Codes",
            "sent:",
            "0",
            "of",
            "5",
            "in",
            "15",
            "minutes,",
            "0",
            "of",
            "20",
            "in",
            "24",
            "hours",
        ],
        ["Live", "codes:", "none"],
    ]


def test_status_tells_all_but_the_code(half: Client, alice: Any) -> None:
    """Numbers, the reference that stands on the page, how long it lives: no code, no change."""
    code = open_page(half)
    guess(half, 2)
    read_out = manage("code", "alice", "--ttl", "60").code
    reference = status_of(half)["reference"]
    before = dumped()
    told = manage("status", "alice").out
    assert dumped() == before
    assert "2 in a row" in told
    assert "2 of 30 in 24 hours" in told
    assert "1 of 5 in 15 minutes, 1 of 20 in 24 hours" in told
    assert re.search(rf"email {reference}, expires in (5 minutes|\d+ seconds), 2 wrong", told)
    assert re.search(r"operator, expires in \d+ seconds, 0 wrong", told)
    assert code not in told
    assert read_out not in told.replace(" ", "")
    assert "alice@" not in told


def test_status_of_a_lock(half: Client, alice: Any, settings: Any, clock: Clock) -> None:
    """Until when, and why: wrong answers in a row, those of a day, or a stop."""
    settings.OTP_GATE = FREE
    ask_for_code(half)
    guess(half, 10)
    told = manage("status", "alice").out
    assert re.search(r"locked until .* UTC \((60|59) seconds\), for wrong answers in a row", told)
    assert "Live codes:    none" in told
    assert "Codes sent:    without a limit" in told
    clock.advance(61)
    settings.OTP_GATE = {**FREE, "FAILURES": {"per_day": 11}}
    log_in(half)
    ask_for_code(half)
    guess(half)
    assert re.search(
        r"\(2[45] hours\), for the wrong answers of 24 hours", manage("status", "alice").out
    )
    clock.advance(86_401)
    settings.OTP_GATE = {**FREE, "FAILURES": {"stop": 12}}
    log_in(half)
    ask_for_code(half)
    guess(half)
    told = manage("status", "alice").out
    assert "stopped after wrong answers in a row, until `otp_gate unlock` or a new password" in told


def test_status_knows_that_a_new_password_lifts_a_stop(
    half: Client, alice: Any, settings: Any
) -> None:
    """It says so at once."""
    settings.OTP_GATE = {**FREE, "FAILURES": {"stop": 1}}
    ask_for_code(half)
    guess(half)
    alice.set_password(PASSWORD)
    alice.save()
    assert "Second step:   open" in manage("status", "alice").out


# unlock


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, "a lock of (60|59) seconds, 10 wrong answers in a row, 10 wrong answers in 24 hours"),
        ({"stop": 10}, "a stop, a lock of .*, 10 wrong answers in a row"),
        ({"per_day": 10, "lock_after": 99}, "10 wrong answers in a row, 10 wrong answers in 24"),
    ],
)
def test_unlock_lets_the_user_in_again(
    half: Client, alice: Any, settings: Any, limits: dict[str, int], told: str
) -> None:
    """Whatever locked, one command ends it, and says what it cleared."""
    settings.OTP_GATE = {**FREE, "FAILURES": limits}
    ask_for_code(half)
    guess(half, 10)
    old = last_code()
    assert post_json(half, VERIFY, {"code": old}).status_code == 429
    assert "alice is locked" in manage("code", "alice").failed
    assert re.search(rf"Cleared for alice: {told}", manage("unlock", "alice").out)
    assert post_json(half, VERIFY, {"code": old}).status_code == 400
    assert half.post(VERIFY, {"code": ask_for_code(half)}).status_code == 302
    assert is_in(half)


def test_unlock_gives_the_codes_sent_back(half: Client, alice: Any, settings: Any) -> None:
    """A spent budget of codes would keep the user out as a lock does."""
    settings.OTP_GATE = {"SENDS": [(1, 86400)], "RESEND_COOLDOWN": 0}
    open_page(half)
    assert post_json(half, RESEND).json()["code"] == "cooldown"
    assert "1 codes sent" in manage("unlock", "alice").out
    assert half.post(VERIFY, {"code": ask_for_code(half)}).status_code == 302


def test_unlock_ends_a_hold(half: Client, alice: Any) -> None:
    """After "this wasn't me", and a new password, the person need not wait for an hour."""
    open_page(half)
    Client().post(disown_link())
    assert re.search("a hold of (60 minutes|1 hour)", manage("unlock", "alice").out)
    other = another_session()
    assert other.post(VERIFY, {"code": ask_for_code(other)}).status_code == 302


def test_unlock_is_logged(alice: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Who lets somebody in again answers for it."""
    manage("unlock", "alice")
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"Unlocked: user {alice.pk}, by ")


def test_unlock_of_somebody_new_leaves_nothing(alice: Any) -> None:
    """Nothing to clear is no error, and no record."""
    assert "0 wrong answers in a row" in manage("unlock", "alice").out
    assert dumped() == "{}"


@pytest.mark.parametrize("action", ["status", "unlock", "code"])
def test_without_redis_nothing_is_done(alice: Any, no_redis: None, action: str) -> None:
    """The command says what failed, and where to look; no traceback."""
    told = manage(action, "alice")
    assert told.failed.startswith("Redis (ConnectionError)")
    assert "otp_gate doctor" in told.failed
    assert told.out in ("", f"alice (id {alice.pk})\n")


@pytest.mark.parametrize("action", ["status", "unlock", "code"])
@pytest.mark.parametrize("answer", ["OK", None, ["1"], [[], [], ["x"]]])
def test_an_answer_that_means_nothing_is_none(
    alice: Any, monkeypatch: pytest.MonkeyPatch, action: str, answer: Any
) -> None:
    """A broken proxy says something: no code is printed that nobody keeps, and no traceback."""
    monkeypatch.setattr(store, "run", lambda *args: answer)
    told = manage(action, "alice")
    assert told.failed.startswith("Redis (an answer that means nothing)")
    assert told.code in ("", f"alice(id{alice.pk})")


def test_a_page_of_the_unreachable_without_redis(unreachable: Client, no_redis: None) -> None:
    """Whether an operator's code waits is not known: a friendly 503, and nobody in."""
    for response in (unreachable.get(VERIFY), unreachable.post(VERIFY, {"code": "123456"})):
        assert response.status_code == 503
    assert unreachable.get(VERIFY, headers=JSON).json()["code"] == "unavailable"
    assert not is_in(unreachable)
