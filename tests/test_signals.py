"""Signals of the gate: who hears what, and that nobody can change what was decided."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from otp_gate import signals
from otp_gate.outcomes import Outcome
from tests.browsers import is_in, post_json, status_of
from tests.clock import Clock
from tests.helpers import DISOWN, RESEND, VERIFY, disown_link, last_code, open_page, wrong_code

NAMES = [name for name in vars(signals) if isinstance(getattr(signals, name), signals.Signal)]


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Every signal of the gate, with what it said."""
    told: list[tuple[str, dict[str, Any]]] = []
    receivers = []
    for name in NAMES:

        def hear(name: str = name, **named: Any) -> None:
            assert named.pop("signal") is getattr(signals, name)
            told.append((name, named))

        receivers.append((getattr(signals, name), hear))
        getattr(signals, name).connect(hear)
    yield told
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def test_a_login_as_signals_tell_it(
    held: Any, alice: Any, clock: Clock, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    """Sent, refused with its reason, accepted; each with user, request and the user's class."""
    held.get("/secret/")
    held.get(VERIFY)
    reference = status_of(held)["reference"]
    held.post(VERIFY, {"code": wrong_code()})
    held.post(VERIFY, {"code": "nonsense"})
    clock.advance(31)
    held.post(RESEND)
    old = last_code()
    post_json(held, VERIFY, {"code": old})
    token = disown_link().split("token=")[1]
    held.post(DISOWN, {"token": token})

    assert [name for name, _ in heard] == [
        "request_refused",
        "code_sent",
        "code_refused",
        "code_refused",
        "code_sent",
        "session_key_changed",
        "code_accepted",
        "login_disowned",
        "user_held",
    ]
    by_name: dict[str, dict[str, Any]] = {}
    for name, named in heard:
        by_name.setdefault(name, named)
        assert isinstance(named["request"], HttpRequest)
        if name != "request_refused":
            assert named["user"] == alice
            assert named["sender"] is type(alice)
    assert by_name["request_refused"]["enforced"] is True
    assert by_name["code_sent"]["factor"] == "email"
    assert by_name["code_sent"]["reference"] == reference
    assert by_name["code_refused"]["reason"] is Outcome.INVALID
    assert by_name["code_accepted"]["factor"] == "email"
    assert by_name["login_disowned"]["code_used"] is True


def test_guessing_as_signals_tell_it(
    half: Client, settings: Any, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    """Each wrong answer, the lock, and the alarm of the site."""
    settings.OTP_GATE = {"ALARM": (2, 60), "FAILURES": {"lock_after": 2}}
    open_page(half)
    for _ in range(3):
        half.post(VERIFY, {"code": wrong_code()})
    told = [name for name, _ in heard]
    assert told == [
        "code_sent",
        "code_refused",
        "code_refused",
        "user_locked",
        "guessing_suspected",
        "code_refused",
    ]
    assert heard[3][1]["retry_after"] == pytest.approx(60, abs=0.1)
    assert (heard[4][1]["number"], heard[4][1]["window"]) == (2, 60)
    assert heard[5][1]["reason"] is Outcome.LOCKED


def test_a_receiver_that_raises_stops_nobody(
    half: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Signals are sent robustly: a login goes on, and Django logs the receiver's error."""
    settings.OTP_GATE = {"ALARM": (1, 60)}

    def fail(**named: Any) -> None:
        raise RuntimeError("a receiver's fault")

    for name in NAMES:
        getattr(signals, name).connect(fail)
    try:
        half.get("/secret/")
        open_page(half)
        assert half.post(VERIFY, {"code": wrong_code()}).status_code == 200
        assert half.post(VERIFY, {"code": last_code()}).status_code == 302
        assert is_in(half)
    finally:
        for name in NAMES:
            getattr(signals, name).disconnect(fail)
    assert "a receiver's fault" in caplog.text


def test_receivers_never_get_the_code(
    half: Client, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    """What is told beside the request holds no code."""
    code = open_page(half)
    half.post(VERIFY, {"code": code})
    for _, named in heard:
        assert code not in str({key: named[key] for key in named if key != "request"})


def test_signals_can_be_imported_before_any_model() -> None:
    """At the top of a project's apps.py, where Django has no models yet."""
    code = "from django.conf import settings; settings.configure(); import otp_gate.signals"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
