"""One moment: a step of a login, hurt at one command, and everything that must hold around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from otp_gate import challenge, scripts, store
from otp_gate.site_limits import NOWHERE
from tests.browsers import is_in, reference_on
from tests.doubles import EMAIL
from tests.faults.proxy import When
from tests.faults.ward import Fault, Ward, set_trap
from tests.helpers import (
    LOGIN,
    RESEND,
    VERIFY,
    codes_sent,
    last_code,
    log_in,
    open_page,
    wrong_code,
)
from tests.table import Row
from tests.test_own_factor import RIGHT as TOKEN

BACKEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"
SCRIPTS = (
    *(scripts.ISSUE, scripts.SHARED, scripts.WINDOW, scripts.WITHDRAW, scripts.LOOK),
    *(scripts.VERIFY, scripts.CLAIM, scripts.SETTLE, scripts.ALARM),
)

GATE = {
    "RESEND_COOLDOWN": 0,
    "SENDS": [(1000, 900)],
    "GLOBAL_SENDS": (100_000, 900),
    "ALARM": (100_000, 60),
    "FACTORS": [EMAIL, "tests.test_own_factor.Token"],
}
"""So that each step does all that it may have to do; and no limit hides what a fault has done."""


@dataclass(frozen=True)
class Step:
    """What a person does; `usual` is the answer without a fault."""

    name: str
    act: Callable[[Client, str], Any]
    usual: int
    has_code: bool = True
    by_token: bool = False
    """It answers a factor that compares by itself."""


def fail_to_send(half: Client, code: str) -> Any:
    with mock.patch(BACKEND, side_effect=OSError):
        return half.get(VERIFY)


def type_right(half: Client, code: str) -> Any:
    return half.post(VERIFY, {"code": code})


def type_wrong(half: Client, code: str) -> Any:
    return half.post(VERIFY, {"code": wrong_code()})


def token_right(half: Client, code: str) -> Any:
    return half.post(VERIFY, {"code": TOKEN, "factor": "token"})


def token_wrong(half: Client, code: str) -> Any:
    return half.post(VERIFY, {"code": "wrong", "factor": "token"})


FIRST = Step("first page", lambda half, code: half.get(VERIFY), 200, has_code=False)
ANOTHER = Step("another code", lambda half, code: half.post(RESEND), 302)
WRONG = Step("wrong code", type_wrong, 200)
RIGHT = Step("right code", type_right, 302)
UNSENT = Step("failing mail", fail_to_send, 200, has_code=False)
TOKEN_WRONG = Step("wrong token", token_wrong, 200, has_code=False, by_token=True)
TOKEN_RIGHT = Step("right token", token_right, 302, has_code=False, by_token=True)
STEPS = (FIRST, ANOTHER, WRONG, RIGHT, UNSENT, TOKEN_WRONG, TOKEN_RIGHT)

WARM, COLD, STRANGE = "connected", "not connected", "not connected, scripts unknown"


@dataclass
class Stage:
    """Who is there for the play: Alice between password and code, and Bob, who is in."""

    ward: Ward
    row: Row
    verified: Client

    def begin(self, step: Step, temperature: str) -> tuple[Client, str]:
        """Bring Alice to where the step begins, with a Redis that is well."""
        self.ward.root.flushall()
        mail.outbox.clear()
        Session.objects.exclude(pk=self.verified.cookies["sessionid"].value).delete()
        half = Client(raise_request_exception=False)
        log_in(half)
        code = open_page(half) if step.has_code else ""
        self.ward.root.script_flush()
        if temperature != STRANGE:
            for script in SCRIPTS:
                self.ward.root.script_load(script.source)
        if temperature == WARM:
            store.client("default").ping()
        else:
            store.client("default").connection_pool.disconnect()
        return half, code

    def commands_of(self, step: Step, temperature: str) -> int:
        """Return how many commands a step sends when nothing is wrong."""
        half, code = self.begin(step, temperature)
        self.ward.proxy.set(None)
        assert step.act(half, code).status_code == step.usual
        return self.ward.proxy.seen

    def play(
        self, fault: Fault, step: Step, number: int, when: When, temperature: str = WARM
    ) -> None:
        """Hurt one command, look around, heal, and see the next try work."""
        row = self.row
        half, code = self.begin(step, temperature)
        old_cookie = half.cookies["sessionid"].value
        trap = set_trap(self.ward, fault, number, when)
        row.moments += 1
        try:
            response = row.ask(lambda: step.act(half, code))
            assert trap.sprung
            mails = len(mail.outbox) - step.has_code
            assert mails <= (step in (FIRST, ANOTHER))
            accepted = step in (RIGHT, TOKEN_RIGHT) and response.status_code == 302
            if fault.harmless:
                assert response.status_code == step.usual
            guesses = [response] if step in (WRONG, TOKEN_WRONG) else []
            if accepted and is_in(half):
                assert marked() == 1
            else:
                guesses += self.look_around(fault, half)
        finally:
            fault.heal(self.ward)
            self.ward.proxy.calm()
        assert self.ward.proxy.errors == []

        if step is UNSENT:
            self.expect_failed(fault, response)
        if not is_in(half):
            code = self.next_token(half) if step.by_token else self.next_try(half)
        assert marked() == 1
        self.expect_used(old_cookie, code)
        self.expect_counted(fault, step, guesses, accepted=accepted)

    def look_around(self, fault: Fault, half: Client) -> Iterator[Any]:
        """See who gets what while it lasts; give the answers to wrong codes."""
        row = self.row
        assert row.ask(lambda: self.verified.get("/secret/")).content == b"secret of bob"
        row.expect_shut(half)
        guess = row.ask(lambda: half.post(VERIFY, {"code": wrong_code()}))
        row.expect_shut(half)
        answers = [guess]
        if not fault.slow:
            answers.append(row.ask(lambda: half.get(VERIFY)))
        if fault.shuts:
            assert {answer.status_code for answer in answers} == {503}
        return iter([guess])

    def next_try(self, half: Client) -> str:
        """Open the page: it speaks of a code that was sent, and that code opens the gate."""
        row = self.row
        page = row.ask(lambda: half.get(VERIFY))
        if page.status_code == 302:
            assert page["Location"] == LOGIN
            log_in(half)
            page = row.ask(lambda: half.get(VERIFY))
        assert page.status_code == 200
        reference = f"Reference: {reference_on(page)} "
        sent = [code for code, message in zip(codes_sent(), mail.outbox, strict=True)
                if reference in message.body]  # fmt: skip
        response = row.ask(lambda: half.post(VERIFY, {"code": sent[-1]}))
        assert (response.status_code, response.headers.get("Location")) == (302, "/")
        assert is_in(half)
        return sent[-1]

    def next_token(self, half: Client) -> str:
        """Answer the factor that compares by itself, which opens the gate."""
        if self.row.ask(lambda: half.get(VERIFY)).status_code == 302:
            log_in(half)
        response = self.row.ask(lambda: token_right(half, ""))
        assert (response.status_code, response.headers.get("Location")) == (302, "/")
        assert is_in(half)
        return last_code() if mail.outbox else ""

    def expect_used(self, old_cookie: str, code: str) -> None:
        """See that neither the session of before nor another one profits from the used code."""
        twin, other = Client(), Client()
        twin.cookies["sessionid"] = old_cookie
        log_in(other)
        for client in (twin, other):
            self.row.ask(lambda: client.post(VERIFY, {"code": code}))  # noqa: B023
            self.row.expect_shut(client)
        self.row.ask(lambda: token_right(twin, ""))
        self.row.expect_shut(twin)

    def expect_failed(self, fault: Fault, response: Any) -> None:
        """See that the delivery that failed is counted once, where the page said that it failed."""
        failed = len(self.ward.root.hget(self.ward.key(), "e") or "") // 10
        assert failed <= 1
        if b"The code could not be sent" in response.content and not fault.forgets:
            assert failed == 1

    def expect_counted(
        self, fault: Fault, step: Step, guesses: list[Any], *, accepted: bool
    ) -> None:
        """See that what the record counts is what happened, and nothing twice."""
        # A right guess of which Redis could not be told that it was right stays counted.
        unsettled = step is TOKEN_RIGHT and not accepted
        # Redis may have accepted the code, and the answer was lost.
        unheard = step is RIGHT and not accepted
        # The code that was accepted gives its send back.
        least = len(mail.outbox) - (not step.by_token) - unheard
        most = len(mail.outbox) - (not step.by_token and not fault.sets_back)
        record = self.ward.root.hgetall(self.ward.key())
        sends, wrong = (len(record.get(name, "")) // 10 for name in "sw")
        answered = [answer for answer in guesses if b"Invalid one-time password" in answer.content]
        assert sends <= most
        assert wrong <= len(guesses) + unsettled
        # Each code that left was counted for its mailbox; besides, no more than those of which
        # nobody can say whether they left: of the step, and of the look around.
        place = challenge.places_of(get_user_model().objects.get(username="alice"))["email"]
        key = store.destination_key(place[: len(NOWHERE)])
        shared = len(self.ward.root.get(key) or "") // 18
        assert shared <= len(mail.outbox) + 2
        if not fault.forgets:
            assert sends >= least
            assert wrong >= len(answered)
            assert shared >= len(mail.outbox) - unheard


def marked() -> int:
    """Return how many sessions the code of Alice has opened (Bob has one of his own)."""
    return sum("_otp_gate_verified" in item.get_decoded() for item in Session.objects.all()) - 1
