"""The whole way in other people's tests: a Redis in this process, and the code as it was sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.core.cache import cache
from django.test import Client

from otp_gate.delivery.base import Message
from otp_gate.delivery.email import EmailDelivery
from otp_gate.factors.email import EmailCode
from otp_gate.testing import fake_redis, memory, sent_codes
from tests.browsers import reference_on
from tests.clock import Clock
from tests.doubles import EMAIL
from tests.helpers import RESEND, VERIFY, last_code, log_in, open_page

INIT = Message.__init__


def test_the_codes_are_seen_on_their_way(held: Any, alice: Any, clock: Clock) -> None:
    """Oldest first, as they were mailed; the mails leave as ever."""
    with sent_codes() as codes:
        page = held.get(VERIFY)
        clock.advance(31)
        held.post(RESEND)
    first, second = codes
    assert (first.user, first.factor, first.destination) == (alice, "email", "alice@example.org")
    assert first.reference == reference_on(page) != second.reference
    assert first.code in mail.outbox[0].body.replace(" ", "")
    assert second.code == last_code() != first.code
    assert len(mail.outbox) == 2
    assert Message.__init__ is INIT


def test_a_code_seen_opens_the_session(held: Any) -> None:
    """That is what it is for."""
    with sent_codes() as codes:
        held.get(VERIFY)
    assert held.post(VERIFY, {"code": codes[-1].code})["Location"] == "/"


def test_each_code_is_its_persons(half: Client, bob: Any) -> None:
    """Two people, two codes."""
    other = Client()
    log_in(other, "bob")
    with sent_codes() as codes:
        half.get(VERIFY)
        other.get(VERIFY)
    assert [code.user.get_username() for code in codes] == ["alice", "bob"]
    assert half.post(VERIFY, {"code": codes[1].code}).status_code == 200
    assert half.post(VERIFY, {"code": codes[0].code}).status_code == 302


def test_a_text_message_is_seen_too(alice: Any, half: Client, settings: Any) -> None:
    """Whatever the delivery."""
    alice.last_name = "+49 30 1234567"
    alice.save()
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.TextMessage"]}
    with sent_codes() as codes:
        half.get(VERIFY)
    assert (codes[0].factor, codes[0].destination) == ("sms", "+49301234567")
    assert half.post(VERIFY, {"code": codes[0].code}).status_code == 302


def test_a_message_beside_it_is_not_taken_for_it(half: Client, settings: Any) -> None:
    """A delivery may write others, to whomever."""
    settings.OTP_GATE = {"FACTORS": ["tests.test_testing_flow.Gossiping"]}
    with sent_codes() as codes:
        code = open_page(half)
    assert [(item.code, item.destination) for item in codes] == [(code, "alice@example.org")]


class Tattling(EmailDelivery):
    def send(self, message: Message) -> None:
        super().send(message)
        replace(message, code="000000", reference="??")


class Gossiping(EmailCode):
    delivery = Tattling


def test_what_was_not_delivered_was_not_sent(half: Client, settings: Any) -> None:
    """A mail server that is down leaves nothing in the list."""
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.Carrier", EMAIL]}
    with sent_codes() as codes:
        assert "could not be sent" in half.get(VERIFY).content.decode()
    assert codes == []


def test_a_factor_that_writes_no_message_has_no_code(half: Client, settings: Any) -> None:
    """Nothing is made up for it."""
    settings.OTP_GATE = {"FACTORS": ["tests.test_testing_flow.Silent"]}
    with sent_codes() as codes:
        assert half.get(VERIFY).status_code == 200
    assert codes == []


class Silent:
    """A factor of a project's own."""

    id = "silent"
    label = "Silence"

    def missing(self, user: Any) -> str:
        return ""

    def masked(self, user: Any) -> str:
        return ""

    def send(self, challenge: Any, user: Any, letterhead: Any, *, another: bool = False) -> Any:
        return challenge.issue("123456", self.id, another=another)


def test_the_watch_ends_with_an_error() -> None:
    """A test that fails leaves nothing behind."""
    with pytest.raises(ZeroDivisionError), sent_codes():
        raise ZeroDivisionError
    assert Message.__init__ is INIT


def test_a_redis_in_this_process(no_redis: None, held: Any) -> None:
    """The whole way, where nothing listens; and each time an empty one."""
    assert held.get(VERIFY).status_code == 503
    for _ in range(2):
        with fake_redis():
            code = open_page(held)
        assert len(mail.outbox) == 1
        mail.outbox.clear()
    assert held.get(VERIFY).status_code == 503
    with fake_redis():
        code = open_page(held)
        assert held.post(VERIFY, {"code": code}).status_code == 302
        assert held.get("/secret/").content == b"secret of alice"
    assert held.get("/secret/").content == b"secret of alice"


def test_the_rest_of_the_settings_stays(settings: Any, half: Client) -> None:
    """The project's caches, and what OTP_GATE says."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.OTP_GATE = {"CODE_LENGTH": 8}
    cache.set("kept", 1)
    with fake_redis():
        assert cache.get("kept") == 1
        assert len(open_page(half)) == 8
    assert settings.OTP_GATE == {"CODE_LENGTH": 8}


def test_time_that_is_moved_moves_it(half: Client, clock: Clock) -> None:
    """A code expires there as everywhere."""
    import time_machine

    with time_machine.travel(2e9, tick=False) as traveller, fake_redis():
        client = Client()
        log_in(client)
        code = open_page(client)
        traveller.shift(301)
        assert b"expired" in client.post(VERIFY, {"code": code}).content


def test_as_a_decorator(no_redis: None, half: Client) -> None:
    """Of functions."""

    @fake_redis()
    def story() -> int:
        return half.get(VERIFY).status_code

    assert story() == 200


@pytest.mark.parametrize("missing", ["fakeredis", "lupa"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """With the line that installs it."""
    monkeypatch.setattr(memory, "find_spec", lambda name: None if name == missing else name)
    with pytest.raises(RuntimeError, match=r'pip install "fakeredis\[lua\]"'), fake_redis():
        pass


def test_under_asgi(no_redis: None, ahalf: Any) -> None:
    """With both together, as an async test would."""

    async def story() -> int:
        with fake_redis(), sent_codes() as codes:
            await ahalf.get(VERIFY)
            await ahalf.post(VERIFY, {"code": codes[-1].code})
        return (await ahalf.get("/secret/")).status_code

    assert async_to_sync(story)() == 200
