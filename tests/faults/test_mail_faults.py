"""The mail server refuses, hangs or hangs up; a delivery raises whatever there is: nothing is lost.

A page waits for a mail server as long as the project lets it (`EMAIL_TIMEOUT`, or the time-out of
its mailer): here a tenth of a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404
from django.test import Client

from otp_gate.exceptions import CodeInDoubt, StoreUnavailable
from tests import servers, table
from tests.browsers import guess, is_in, post_json, status_of
from tests.doubles import EMAIL, Broken, Carrier
from tests.faults.mail_server import MANNERS, POINTS, MailServer, mail_server, use_server
from tests.helpers import JSON, PASSWORD, RESEND, VERIFY, last_code, log_in, open_page, pass_gate

pytestmark = pytest.mark.once

ONE_SEND = {"SENDS": [(9, 900)], "GLOBAL_SENDS": (1, 900), "RESEND_COOLDOWN": 0}
"""The site may send one code. (Failures have a budget and a pause of their own: `test_delivery`.)"""


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as box:
        use_server(settings, box.port)
        yield box


def assert_not_sent(row: table.Row, client: Client) -> None:
    """People and programs are told that the code could not be sent, and nobody gets in."""
    row.moments += 1
    page = row.ask(lambda: client.get(VERIFY))
    assert page.status_code == 200
    assert "The code could not be sent" in page.content.decode()
    answer = row.ask(lambda: post_json(client, RESEND))
    assert (answer.status_code, answer.json()["code"]) == (502, "undeliverable")
    row.expect_shut(client)


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("point", POINTS)
def test_a_mail_server_fails_in_every_way(
    half: Client, settings: Any, server: MailServer, point: str, manner: str
) -> None:
    """Nothing is used up; as soon as it is well, the one code that may be sent is sent."""
    settings.OTP_GATE = ONE_SEND
    row = table.row(f"mail server {manner}")
    server.point, server.manner = point, manner
    use_server(settings, server.port, timeout=0.1 if manner == "hangs" else 10)
    assert_not_sent(row, half)
    assert mail.outbox == []
    server.point = ""
    use_server(settings, server.port)
    assert status_of(half)["status"] == "none"
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
    assert is_in(half)
    row.assert_fine()


def test_nothing_listens_where_the_mail_server_should_be(
    half: Client, settings: Any, server: MailServer
) -> None:
    """A closed port: at once, and as often as somebody tries."""
    settings.OTP_GATE = ONE_SEND
    row = table.row("mail server away")
    use_server(settings, servers.free_port())
    for _ in range(3):
        assert_not_sent(row, half)
    use_server(settings, server.port)
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
    row.assert_fine()


def test_of_five_people_two_have_no_mailbox(
    db: None, settings: Any, django_user_model: Any, server: MailServer
) -> None:
    """Three get in; the two are told, keep what they have, and get in when they have one."""
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
    row = table.row("mail server refuses 2 of 5")
    names = [f"person{number}" for number in range(5)]
    people = {}
    for name in names:
        django_user_model.objects.create_user(name, f"{name}@example.org", PASSWORD)
        people[name] = Client(raise_request_exception=False)
        log_in(people[name], name)
    server.refused = {"person3@", "person4@"}
    for name in names[:3]:
        people[name].post(VERIFY, {"code": open_page(people[name])})
        assert people[name].get("/secret/").content == f"secret of {name}".encode()
    for name in names[3:]:
        assert_not_sent(row, people[name])
        assert people[name].get("/secret/").status_code == 302
    assert [message["To"] for message in server.messages] == [
        f"{name}@example.org" for name in names[:3]
    ]
    server.refused = set()
    for name in names[3:]:
        people[name].post(VERIFY, {"code": open_page(people[name])})
        assert people[name].get("/secret/").content == f"secret of {name}".encode()
    row.assert_fine()


def test_the_verified_need_no_mail_server(
    half: Client, bob: Any, settings: Any, server: MailServer
) -> None:
    """Whoever has a code types it in, and whoever is in stays in, while no mail leaves."""
    code = open_page(half)
    inside = Client()
    pass_gate(inside, "bob")
    use_server(settings, servers.free_port())
    assert half.post(VERIFY, {"code": code}).status_code == 302
    assert is_in(half)
    assert is_in(inside)


def test_a_lock_stands_though_nobody_can_be_told(
    half: Client, settings: Any, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The mail about the lock cannot leave: the wrong answer is answered, and the lock is there."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 2}}
    open_page(half)
    use_server(settings, servers.free_port())
    answer = guess(half, 2)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert half.get(VERIFY, headers=JSON).json()["code"] == "locked"
    assert "Not told of the lock: ConnectionRefusedError" in caplog.text


class Speechless(Exception):
    """Cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def several(text: str) -> Exception:
    return ExceptionGroup(text, [OSError(text), ValueError(text)])


def doubt(text: str) -> Exception:
    return CodeInDoubt(text, "digest")


@pytest.mark.parametrize(
    "error",
    [Speechless, several, doubt, StoreUnavailable, DatabaseError, Http404, PermissionDenied]
    + [StopIteration, KeyError, AssertionError, NotImplementedError, asyncio.TimeoutError],
    ids=lambda error: error.__name__,
)
def test_a_delivery_that_raises_uses_nothing_up(
    half: Client,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Any,
) -> None:
    """Also what means something else to Django or to the gate; the code is written nowhere."""
    caplog.set_level("DEBUG")
    settings.OTP_GATE = ONE_SEND | {"FACTORS": [Carrier]}
    monkeypatch.setattr(Broken, "error", error)
    Broken.messages.clear()
    row = table.row("delivery raises")
    half.raise_request_exception = False
    assert_not_sent(row, half)
    assert len(Broken.messages) == 2
    for message in Broken.messages:
        assert message.code not in caplog.text
    settings.OTP_GATE = ONE_SEND | {"FACTORS": [EMAIL]}
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
    assert last_code() not in caplog.text
    row.assert_fine()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_what_is_no_error_is_not_swallowed(
    half: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    """A process that is told to go during a delivery goes, and the code with it."""
    settings.OTP_GATE = ONE_SEND | {"FACTORS": [Carrier]}
    monkeypatch.setattr(Broken, "error", error)
    with pytest.raises(error):
        half.get(VERIFY)
    settings.OTP_GATE = ONE_SEND | {"FACTORS": [EMAIL]}
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
