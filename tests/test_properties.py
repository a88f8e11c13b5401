"""The rules hold in whatever order people, and attackers, do things.

Two users and four browsers do what browsers can do, thousands of times over, on the Redis that
the suite runs on; a model says what must come of it. HYPOTHESIS_PROFILE=torture plays for longer.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any
from unittest import mock

import hypothesis
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, override_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from otp_gate import challenge, operators, store
from tests.answers import ANSWERS
from tests.clock import Clock
from tests.doubles import EMAIL
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    PASSWORD,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    wrong_code,
)
from tests.model import DAY, Account, Challenge, Limits
from tests.test_own_factor import RIGHT

USERS = ("alice", "bob")
TOGETHER = "both@example.org"
"""An address that either user may name."""
FACTORS = [EMAIL, "tests.test_own_factor.Token"]
BACKEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"
LIMITS = [
    Limits(),
    Limits(code_attempts=2, lock_after=2, per_day=4, stop=6, sends=((2, 950), (5, DAY))),
    Limits(code_attempts=5, lock_after=2, stop=5, lock_max=240, resend_cooldown=0, sends=()),
]
SLACK = 30 if settings.REDIS_URL else 1
"""Seconds by which the clock may be ahead of the model's: a real Redis has one that goes on."""

SEEN: Counter[str] = Counter()
"""How often each word was the outcome: a machine that never locks anybody out proves little."""

WORDS = {
    *("alive", "issued", "cooldown", "too_many", "locked", "held", "disowned", "none", "expired"),
    *("used_up", "superseded", "invalid", "accepted", "stopped", "told", "done", "used"),
    *("failed", "undeliverable", "crowded", "own accepted", "own invalid", "own locked"),
    *("another password", "another address"),
}


class Browser:
    """A browser, and how far the model says that it has come: "out", "half" or "in"."""

    def __init__(self) -> None:
        self.client = Client()
        self.leave()

    def leave(self) -> None:
        self.state, self.since = "out", 0
        self.challenge: Challenge | None = None

    def begin(self, account: Account, now: int) -> None:
        self.state, self.since = "half", now
        self.challenge = Challenge(account)

    def pending(self) -> Challenge:
        assert self.challenge is not None
        return self.challenge


def somebody_is_half_way(machine: Any) -> bool:
    return any(browser.state == "half" for browser in machine.browsers)


browsers = many = st.integers(0, 47)
users = st.sampled_from(USERS)
as_json = st.booleans()


class GateMachine(RuleBasedStateMachine):
    """People log in, open the page, type, wait, give up and disown, in any order."""

    def __init__(self) -> None:
        super().__init__()
        store.client("default").flushall()
        mail.outbox.clear()
        self.travel = time_machine.travel(time.time(), tick=bool(settings.REDIS_URL))
        self.clock = Clock(self.travel.start())
        self.now = 0
        self.browsers = [Browser() for _ in range(4)]
        self.acted: Browser | None = None
        self.mails: list[tuple[Challenge, str, int, str]] = []

    @initialize(limits=st.sampled_from(LIMITS))
    def choose_limits(self, limits: Limits) -> None:
        self.limits = limits
        self.override = override_settings(
            OTP_GATE=limits.as_settings | {"FACTORS": FACTORS}, SESSION_COOKIE_AGE=1000 * DAY
        )
        self.override.enable()
        boxes: dict[str, list[int]] = {}
        self.accounts = {name: Account(name, limits, own_address(name), boxes) for name in USERS}
        for name in USERS:
            self.store(name, email=own_address(name))
        for index, user in enumerate(("alice", "alice", "bob")):
            self.log_in(index, user, by_link=False)

    def one(self, index: int) -> Browser:
        """Return one of the browsers; more often one in which a code is pending."""
        half = [browser for browser in self.browsers if browser.state == "half"]
        sent = [browser for browser in half if browser.pending().code is not None]
        choice = [*self.browsers, *half * 8, *sent * 8]
        return choice[index % len(choice)]

    def teardown(self) -> None:
        if hasattr(self, "limits"):
            for browser in self.browsers:
                self.look(browser)
            for account in self.accounts.values():
                self.look_at_counts(account)
            self.override.disable()
        self.travel.stop()
        Session.objects.all().delete()

    # What a request finds: the session as it is now, and the mails that it may send

    def arrive(self, browser: Browser) -> str:
        """Let what waited too long be over, as on the first request that comes too late."""
        if browser.state == "in" and self.now - browser.since > self.limits.verified_ttl:
            browser.begin(browser.pending().account, self.now)
        if browser.state == "half" and self.now - browser.since > self.limits.pending_ttl:
            browser.pending().discard()
            browser.leave()
        return browser.state

    @invariant()
    def who_acted_last_is_where_the_model_says(self) -> None:
        if self.acted is not None:
            self.look(self.acted)
            if self.acted.challenge is not None:
                self.look_at_counts(self.acted.challenge.account)
            self.acted = None

    def look_at_counts(self, account: Account) -> None:
        """What `manage.py otp_gate status` says of a user is what happened."""
        found = operators.account_of(get_user_model().objects.get(username=account.name))
        assert found.in_a_row == account.row
        assert found.in_a_day == account.within(account.wrong, DAY, self.now)
        assert list(found.sent) == [
            account.within(account.sent, window, self.now) for _, window in self.limits.sends
        ]
        assert (found.locked_for != 0) == account.is_locked(self.now)
        assert (found.held > 0) == (self.now < account.held_until)

    def look(self, browser: Browser) -> None:
        """A password alone opens nothing; password and code open it for that user."""
        state = self.arrive(browser)
        response = browser.client.get("/secret/")
        if state == "half":
            assert response.status_code == 302
            assert response["Location"].startswith(VERIFY)
        else:
            name = browser.pending().account.name if state == "in" else "nobody"
            assert response.content.decode() == f"secret of {name}"

    def check(
        self, response: Any, word: str, as_json: bool, mails: int = 0, told: bool = False
    ) -> None:
        """Compare an answer with the model's word, and the mails with what it sends."""
        SEEN[word] += 1
        status, text = ANSWERS[as_json][word]
        assert response.status_code == status, (word, response.content)
        assert text in (response.get("Location") or response.content.decode()), word
        fresh = mail.outbox[len(self.mails) :]
        subjects = [re.sub(r" \(..\)", "", message.subject) for message in fresh]
        assert len(fresh) == mails + told, (word, subjects)

    def check_wait(self, response: Any, pending: Challenge, word: str) -> None:
        """Whoever waits as long as he is told to does not hear the same again."""
        if "Retry-After" in response and pending.account.row < self.limits.stop:
            later = self.now + int(response["Retry-After"]) + SLACK
            if later > pending.account.held_until:
                assert pending.ask(later, another=True) != word, response["Retry-After"]

    def post(self, browser: Browser, path: str, as_json: bool, **body: str) -> Any:
        if as_json:
            return browser.client.post(path, body, content_type="application/json", headers=JSON)
        return browser.client.post(path, body)

    def receive(self, browser: Browser) -> None:
        """Note the mail that has just come."""
        pending = browser.pending()
        pending.issue(self.now, last_code())
        self.mails.append((pending, last_code(), self.now, disown_link()))

    def settle(self, browser: Browser, word: str = "") -> None:
        self.acted = browser
        if word == "disowned":
            browser.leave()

    # What people do

    @rule(index=st.integers(0, 3), user=users, by_link=st.booleans())
    def log_in(self, index: int, user: str, by_link: bool) -> None:
        """At the login page, which a half-authenticated session does not reach, or elsewhere."""
        browser = self.browsers[index]
        state = self.arrive(browser)
        if by_link:
            response = browser.client.get(f"/magic/{user}/")
        else:
            form = {"username": user, "password": PASSWORD}
            response = browser.client.post("/login/", form)
        turned_away = state == "half" and not by_link
        assert response.status_code == 302
        assert response["Location"] == (VERIFY if turned_away else "/")
        if not turned_away:
            browser.begin(self.accounts[user], self.now)
        self.settle(browser)

    @precondition(somebody_is_half_way)
    @rule(index=browsers)
    def open_page(self, index: int) -> None:
        """Opening the page sends a code if none is alive and one may be sent."""
        browser = self.one(index)
        state = self.arrive(browser)
        word = browser.pending().ask(self.now, another=False) if state == "half" else state
        response = browser.client.get(VERIFY)
        # Nobody who merely reloads the page is told that he asks too often.
        self.check(response, "reload" if word == "cooldown" else word, False, word == "issued")
        self.after_asking(browser, response, state, word)

    @precondition(somebody_is_half_way)
    @rule(index=browsers)
    def poll(self, index: int) -> None:
        """Asking as JSON tells what is pending, to the number, and sends nothing."""
        browser = self.one(index)
        state = self.arrive(browser)
        word = browser.pending().peek(self.now) if state == "half" else state
        response = browser.client.get(VERIFY, headers=JSON)
        self.check(response, f"{word} (poll)" if state == "half" else word, True)
        if word == "alive":
            pending, found = browser.pending(), response.json()
            assert found["attempts_left"] == self.limits.code_attempts - pending.attempts
            left = pending.issued + self.limits.code_ttl - self.now
            assert left - SLACK < found["expires_in"] <= left
        self.settle(browser, word)

    @precondition(somebody_is_half_way)
    @rule(index=browsers, as_json=as_json)
    def ask_for_another(self, index: int, as_json: bool) -> None:
        """Another code comes after the cooldown and within the limits, and never else."""
        self.another(self.one(index), as_json)

    def another(self, browser: Browser, as_json: bool) -> None:
        state = self.arrive(browser)
        word = browser.pending().ask(self.now, another=True) if state == "half" else state
        response = self.post(browser, RESEND, as_json)
        self.check(response, "sent" if word == "issued" else word, as_json, word == "issued")
        self.after_asking(browser, response, state, word)

    def after_asking(self, browser: Browser, response: Any, state: str, word: str) -> None:
        if word == "issued":
            self.receive(browser)
        elif state == "half":
            self.check_wait(response, browser.pending(), word)
        if word == "crowded":
            # A code was made for the address of now, and taken back.
            browser.pending().forget_elsewhere()
        self.settle(browser, word)

    @precondition(somebody_is_half_way)
    @rule(index=browsers, as_json=as_json, times=st.integers(1, 3), patient=st.booleans())
    def ask_while_mails_fail(self, index: int, as_json: bool, times: int, patient: bool) -> None:
        """It uses up no code, and has a cooldown and a budget of its own."""
        browser = self.one(index)
        self.wait(100 if patient else 0)
        for _ in range(times):
            state = self.arrive(browser)
            word = browser.pending().ask(self.now, another=True) if state == "half" else state
            with mock.patch(BACKEND, side_effect=OSError) as mail_server:
                response = self.post(browser, RESEND, as_json)
            assert mail_server.called == (word == "issued")
            self.check(response, "failed" if word == "issued" else word, as_json)
            if word == "issued":
                browser.pending().fail(self.now)
            else:
                self.after_asking(browser, response, state, word)
            self.settle(browser, word)
            self.wait(100 if patient else 0)

    def type_in(self, browser: Browser, typed: str, as_json: bool) -> None:
        state = self.arrive(browser)
        word = browser.pending().answer(self.now, typed) if state == "half" else state
        self.expect_answer(browser, word, as_json, code=typed)

    @precondition(somebody_is_half_way)
    @rule(index=browsers, as_json=as_json, is_right=st.booleans(), times=st.integers(1, 2))
    def answer_the_token(self, index: int, as_json: bool, is_right: bool, times: int) -> None:
        """A factor that compares by itself: some wrong answers, or the right one."""
        browser = self.one(index)
        for _ in range(1 if is_right else times):
            state = self.arrive(browser)
            word = state
            if state == "half":
                word = browser.pending().answer_by_itself(self.now, is_right=is_right)
                SEEN[f"own {word}"] += 1
            typed = RIGHT if is_right else "wrong"
            self.expect_answer(browser, word, as_json, code=typed, factor="token")

    def expect_answer(self, browser: Browser, word: str, as_json: bool, **fields: str) -> None:
        """Post an answer, and compare with the model's word what becomes of it."""
        # What is locked now was not when this answer was counted, or it would be called so.
        told = word == "invalid" and browser.pending().account.is_locked(self.now)
        response = self.post(browser, VERIFY, as_json, **fields)
        self.check(response, word, as_json, told=told)
        if told:
            SEEN["told"] += 1
            SEEN["stopped"] += browser.pending().account.row >= self.limits.stop
            mail.outbox.pop()
        if word == "accepted":
            browser.state, browser.since = "in", self.now
        self.settle(browser, word)

    @precondition(somebody_is_half_way)
    @rule(index=browsers, as_json=as_json)
    def type_the_right_code(self, index: int, as_json: bool) -> None:
        browser = self.one(index)
        if browser.challenge is not None and browser.challenge.code is None:
            self.another(browser, as_json)
        code = browser.challenge.code if browser.challenge is not None else None
        self.type_in(browser, code or wrong_code(), as_json)

    @precondition(somebody_is_half_way)
    @rule(index=browsers, as_json=as_json, times=st.integers(1, 3), rounds=st.integers(0, 4))
    def guess(self, index: int, as_json: bool, times: int, rounds: int) -> None:
        """A few times, or as a program would: with a new code whenever one may be had."""
        browser = self.one(index)
        for _ in range(times):
            self.type_in(browser, wrong_code(), as_json)
        for _ in range(rounds):
            self.wait(100)
            self.another(browser, as_json)
            for _ in range(times):
                self.type_in(browser, wrong_code(), as_json)

    @precondition(somebody_is_half_way)
    @precondition(lambda self: self.mails)
    @rule(index=browsers, as_json=as_json, which=many)
    def type_the_code_of_some_mail(self, index: int, as_json: bool, which: int) -> None:
        """An earlier one, or one of another session, another login or another user."""
        browser = self.one(index)
        earlier = browser.challenge.older if browser.challenge is not None else []
        sent = [*(code for _, code, _, _ in self.mails), *earlier * 8]
        self.type_in(browser, sent[-1 - which % len(sent)], as_json)

    @rule(seconds=st.sampled_from([100, 100, 100, 200, 200, 400, 400, 1000, 3100, DAY + 50]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.now += seconds

    @precondition(somebody_is_half_way)
    @rule(index=browsers, times=st.integers(1, 3))
    def change_address(self, index: int, times: int) -> None:
        """To one that the other user may name, too, or back; the page notices it at once."""
        pending = self.one(index).challenge
        if pending is None:
            return
        for _ in range(times):
            account = pending.account
            own = own_address(account.name)
            account.address = own if account.address == TOGETHER else TOGETHER
            self.store(account.name, email=account.address)
            SEEN["another address"] += 1
            self.poll(index)

    def store(self, name: str, **fields: str) -> None:
        get_user_model().objects.filter(username=name).update(**fields)

    def change_password(self, name: str) -> None:
        """Elsewhere, by a mail: all sessions of the user are over, and what was counted is."""
        SEEN["another password"] += 1
        self.store(name, password=make_password(PASSWORD))
        self.accounts[name].renew_password()
        for browser in self.browsers:
            if browser.state != "out" and browser.pending().account.name == name:
                assert name not in browser.client.get("/secret/").content.decode()
                browser.leave()
                self.check(browser.client.get(VERIFY), "out", as_json=False)
                self.look(browser)

    @rule(
        what=st.sampled_from(["sign out", "disown", "unlock", "password"]),
        which=many,
        as_json=as_json,
    )
    def end_it(self, what: str, which: int, as_json: bool) -> None:
        """What ends a story is one rule of many, or few stories would come far."""
        if what == "sign out":
            self.sign_out(self.browsers[which % 4], as_json)
        elif what == "disown" and self.mails:
            self.disown(*self.mails[-1 - which % len(self.mails)], as_json)
        elif what == "unlock":
            user = get_user_model().objects.get(username=USERS[which % 2])
            challenge.unlock(str(user.pk), challenge.places_of(user).values())
            self.accounts[user.username].unlock()
        elif what == "password":
            self.change_password(USERS[which % 2])

    def sign_out(self, browser: Browser, as_json: bool) -> None:
        """From the OTP page, in any state; the code goes with the session."""
        self.arrive(browser)
        response = self.post(browser, CANCEL, as_json)
        self.check(response, "signed out", as_json)
        if browser.state == "half":
            browser.pending().discard()
        browser.leave()
        self.settle(browser)

    def disown(self, pending: Challenge, code: str, sent: int, link: str, as_json: bool) -> None:
        """The link of the mail kills that code and that login, once; it works for a day."""
        stranger = Browser()
        assert stranger.client.get(link).status_code in (200, 400)
        word = pending.disown(self.now) if self.now - sent <= DAY else "invalid"
        response = self.post(stranger, DISOWN, as_json, token=link.partition("token=")[2])
        self.check(response, f"link {word}", as_json)
        SEEN[word] += word != "invalid"


def own_address(name: str) -> str:
    return f"{name}@example.org"


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    for name in USERS:
        get_user_model().objects.create_user(name, own_address(name), PASSWORD)
    SEEN.clear()


def test_no_order_of_events_breaks_the_rules() -> None:
    """Whatever order things happen in, only the right code in time opens a session, and once."""
    run_state_machine_as_test(GateMachine, settings=hypothesis.settings())  # type: ignore[no-untyped-call]
    if hypothesis.settings().max_examples > 500:
        assert set(+SEEN) >= WORDS, WORDS - set(+SEEN)


def test_every_rule_is_in_the_play() -> None:
    """One story told on purpose, so that no word is left to luck."""
    machine = GateMachine()
    machine.choose_limits(LIMITS[0])
    machine.poll(0)
    machine.open_page(0)
    machine.open_page(0)
    machine.ask_for_another(0, as_json=False)
    machine.wait(100)
    machine.ask_for_another(0, as_json=True)
    machine.type_the_code_of_some_mail(0, as_json=False, which=0)
    machine.guess(0, as_json=True, times=4, rounds=0)
    machine.wait(400)
    machine.guess(0, as_json=False, times=1, rounds=0)
    machine.ask_for_another(0, as_json=True)
    machine.guess(0, as_json=False, times=2, rounds=0)
    machine.guess(1, as_json=True, times=1, rounds=2)
    machine.wait(1000)
    machine.open_page(0)
    machine.type_the_right_code(0, as_json=False)
    machine.end_it("disown", which=0, as_json=False)
    machine.open_page(2)
    machine.end_it("disown", which=0, as_json=True)
    machine.open_page(2)
    machine.log_in(3, "alice", by_link=False)
    machine.open_page(3)
    machine.teardown()

    machine = GateMachine()
    machine.choose_limits(LIMITS[2])
    machine.type_the_right_code(1, as_json=True)
    machine.guess(0, as_json=False, times=2, rounds=4)
    machine.teardown()

    machine = GateMachine()
    machine.choose_limits(LIMITS[0])
    machine.open_page(0)
    machine.wait(100)
    machine.ask_while_mails_fail(0, as_json=True, times=2, patient=False)
    machine.wait(100)
    machine.ask_while_mails_fail(0, as_json=False, times=4, patient=True)
    machine.type_the_right_code(0, as_json=True)
    for index in range(4):
        machine.log_in(index, USERS[index % 2], by_link=True)
    for index in (0, 1):
        machine.change_address(index, times=1)
    for index in (0, 1, 2, 3):
        machine.another(machine.browsers[index], as_json=True)
    machine.log_in(0, "alice", by_link=True)
    machine.another(machine.browsers[0], as_json=False)
    machine.answer_the_token(0, as_json=True, is_right=True, times=1)
    machine.end_it("password", which=0, as_json=True)
    machine.log_in(0, "alice", by_link=False)
    machine.answer_the_token(0, as_json=False, is_right=False, times=5)
    machine.end_it("password", which=0, as_json=True)
    machine.log_in(0, "alice", by_link=False)
    machine.open_page(0)
    machine.teardown()
    assert set(+SEEN) >= WORDS, WORDS - set(+SEEN)
