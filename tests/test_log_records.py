"""What a handler of the logger `otp_gate` gets: the request, the event, the user; never a code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from otp_gate import log_records
from tests.browsers import AsyncBrowser, post_json
from tests.doubles import EMAIL
from tests.helpers import DISOWN, JSON, RESEND, VERIFY, disown_link, open_page, wrong_code

ADDRESS = "203.0.113.9"


class Handler(logging.Handler):
    """Looks at each record and its request at once, as a reporter does."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []
        self.seen = ""

    def emit(self, record: Any) -> None:
        self.records.append(record)
        request = record.request
        if request is not None:
            self.seen += repr((request.POST, request.FILES, request.__dict__))

    def of(self, event: str) -> Any:
        """Return the last record of an event."""
        return [record for record in self.records if record.event == event][-1]


@pytest.fixture
def handler() -> Iterator[Handler]:
    """A handler of the logger."""
    logger, handler = logging.getLogger("otp_gate"), Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("INFO")
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def no_redis_from_now(settings: Any) -> None:
    caches["default"].close()
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }


def test_wrong_code_is_logged_with_address_and_user(
    half: Client, alice: Any, handler: Handler
) -> None:
    """What fail2ban needs: whence, and what."""
    open_page(half)
    half.post(VERIFY, {"code": wrong_code()}, REMOTE_ADDR=ADDRESS)
    record = handler.of("code_refused")
    assert record.request.META["REMOTE_ADDR"] == ADDRESS
    assert (record.user_id, record.factor) == (str(alice.pk), "email")
    assert (record.reason, record.levelname) == ("invalid", "INFO")
    assert record.getMessage() == f"Refused: user {alice.pk}, invalid"
    assert (record.module, record.funcName) == ("views", "check")


def test_each_event_of_a_login_carries_request(
    held: Any, alice: Any, handler: Handler, settings: Any
) -> None:
    """Turned away, sent, refused, locked, disowned."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 1}, "ALARM": (1, 60)}
    held.get("/secret/")
    open_page(held)
    held.post(VERIFY, {"code": wrong_code()})
    Client().post(DISOWN, {"token": disown_link(0).partition("token=")[2]})
    events = [record.event for record in handler.records]
    assert events == [
        *("request_refused", "code_sent", "code_refused", "user_locked", "guessing_suspected"),
        "login_disowned",
    ]
    assert all(record.request.path for record in handler.records)
    assert {record.user_id for record in handler.records} == {str(alice.pk)}
    assert handler.of("code_sent").factor == "email"
    assert handler.of("login_disowned").reason == "done"


@pytest.mark.parametrize("as_json", [False, True])
def test_no_handler_finds_the_code_in_a_record(
    held: Any, handler: Handler, as_json: bool, settings: Any
) -> None:
    """Neither the wrong one nor the right one, as a form or as JSON; nor while Redis is away."""
    post = post_json if as_json else type(held).post
    code, wrong = open_page(held), wrong_code()
    post(held, VERIFY, {"code": wrong})
    assert handler.of("code_refused")
    post(held, VERIFY, {"code": code})
    assert handler.of("code_accepted").factor == "email"
    assert code not in handler.seen
    assert wrong not in handler.seen


@pytest.mark.parametrize("as_json", [False, True])
def test_no_handler_finds_the_code_while_redis_is_away(
    held: Any, handler: Handler, as_json: bool, settings: Any
) -> None:
    """The record of a fault is the one that reporters look at."""
    post = post_json if as_json else type(held).post
    code = open_page(held)
    no_redis_from_now(settings)
    assert post(held, VERIFY, {"code": code, "next": "/secret/"}).status_code == 503
    assert handler.of("unavailable").levelname == "ERROR"
    assert handler.of("unavailable").user_id
    assert code not in handler.seen


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_no_handler_finds_the_code_in_a_stale_form(
    alice: Any, handler: Handler, server: str
) -> None:
    """The CSRF token is refused before anything is read."""
    client: Any = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    code = open_page(client)
    client = client if server == "wsgi" else AsyncBrowser(client)
    assert client.post(VERIFY, {"code": code, "next": "/plain/"}).status_code == 403
    assert handler.of("csrf_refused").reason
    assert code not in handler.seen


def test_fault_page_keeps_next(half: Client, settings: Any) -> None:
    """Reading the form once must not cost the page its way on."""
    open_page(half)
    no_redis_from_now(settings)
    page = half.post(VERIFY, {"code": "123456", "next": "/secret/"}).content.decode()
    assert "?next=/secret/" in page


def test_failed_delivery_names_user_and_factor(half: Client, alice: Any, settings: Any) -> None:
    """There is no request at that place; everything else is known."""
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.Carrier", EMAIL]}
    handler = Handler()
    logging.getLogger("otp_gate").addHandler(handler)
    try:
        post_json(half, RESEND, headers=JSON)
    finally:
        logging.getLogger("otp_gate").removeHandler(handler)
    record = handler.of("delivery_failed")
    assert (record.user_id, record.factor) == (str(alice.pk), "carrier")
    assert (record.reason, record.request) == ("OSError", None)


def test_each_event_can_be_written_as_json(handler: Handler) -> None:
    """A SIEM takes the attributes; each text has the fields that it needs."""
    more = {"path": "/", "number": 1, "window": 60, "kind": "socket", "acts_as": "2"}
    for event in log_records.EVENTS:
        log_records.write(event, None, user_id="1", factor="email", reason="why", **more)
        record = handler.records[-1]
        assert record.getMessage()
        fields = ("event", "user_id", "factor", "reason")
        assert json.dumps({name: getattr(record, name) for name in fields})
