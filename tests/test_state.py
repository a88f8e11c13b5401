"""`request.otp_gate`: what a project may ask the gate about a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.clock import Clock
from tests.gates import put_around_gate, restarted
from tests.helpers import VERIFY, last_code, log_in, pass_gate

NOBODY = {"pending_user": None, "verified_at": None, "factor": None, "user": ""}
PAGES = ["/status/", "/astatus/"]


@pytest.mark.parametrize("page", PAGES)
def test_anonymous(nobody: Any, page: str) -> None:
    """Nobody is logged in."""
    assert nobody.get(page).json() == {"status": "anonymous", **NOBODY}


@pytest.mark.parametrize("page", PAGES)
def test_exempt(held: Any, page: str) -> None:
    """Half-authenticated, on an exempt page: who it is, is told here and not in `request.user`."""
    assert held.get(page).json() == {"status": "exempt", **NOBODY, "pending_user": "alice"}


@pytest.mark.parametrize("page", PAGES)
def test_overdue(held: Any, clock: Clock, page: str) -> None:
    """Half-authenticated for too long: logged out, and nobody by either way of asking."""
    clock.advance(901)
    assert held.get(page).json() == {"status": "anonymous", **NOBODY}


@pytest.mark.parametrize("page", PAGES)
def test_exempt_for_a_user_who_is_gone(held: Any, alice: Any, page: str) -> None:
    """A session of nobody waits for nobody."""
    alice.delete()
    assert held.get(page).json() == {"status": "exempt", **NOBODY}


@pytest.mark.parametrize("page", PAGES)
def test_verified(nobody: Any, alice: Any, clock: Clock, page: str) -> None:
    """When, as an aware time, and by which factor."""
    before = datetime.now(UTC)
    pass_gate(nobody)
    clock.advance(60)
    told = nobody.get(page).json()
    when = datetime.fromisoformat(told.pop("verified_at"))
    assert before <= when < before + timedelta(seconds=50)
    assert told == {
        "status": "verified",
        "factor": "email",
        "pending_user": None,
        "user": "alice",
    }


@pytest.mark.parametrize("page", PAGES)
def test_not_required(settings: Any, nobody: Any, alice: Any, page: str) -> None:
    """Logged in, and the policy asks for no code."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    log_in(nobody)
    assert nobody.get(page).json() == {"status": "not_required", **NOBODY, "user": "alice"}


@pytest.mark.parametrize("page", PAGES)
def test_half(settings: Any, nobody: Any, alice: Any, page: str) -> None:
    """Half-authenticated on a page that is not exempt: only while the gate just reports."""
    settings.OTP_GATE = {"MODE": "report"}
    log_in(nobody)
    told = {**NOBODY, "pending_user": "alice", "user": "alice"}
    assert nobody.get(page).json() == {"status": "half", **told}


@pytest.mark.parametrize("page", PAGES)
def test_an_overdue_verification_is_none(
    settings: Any, nobody: Any, alice: Any, clock: Clock, page: str
) -> None:
    """After VERIFIED_TTL there is no `verified_at` to rely on."""
    settings.OTP_GATE = {"VERIFIED_TTL": 60}
    pass_gate(nobody)
    clock.advance(61)
    assert nobody.get(page).json() == {"status": "exempt", **NOBODY, "pending_user": "alice"}


def test_home_made_authentication(settings: Any, alice: Any, nobody: Any) -> None:
    """A middleware that knows no `auser`, from before Django 5.0, serves as well as Django's."""
    put_around_gate(settings, before=["tests.middlewares.HomeMade"])
    settings.MIDDLEWARE = [
        line for line in settings.MIDDLEWARE if not line.endswith("AuthenticationMiddleware")
    ]
    log_in(restarted(nobody))
    assert nobody.get("/secret/").status_code == 302
    assert nobody.get("/reveal/").content == b"open to alice"
    for page in PAGES:
        assert nobody.get(page).json()["pending_user"] == "alice"
    nobody.get(VERIFY)
    assert nobody.post(VERIFY, {"code": last_code()}).status_code == 302
    assert nobody.get("/secret/").content == b"secret of alice"
    assert nobody.get("/secret/")["Vary"] == "Cookie"
    assert "Vary" not in nobody.get("/plain/")


def test_anonymous_user_has_no_mark(rf: Any, db: None) -> None:
    """Nothing was proved for a user who is not there."""
    from django.contrib.auth.models import AnonymousUser

    from otp_gate import session
    from otp_gate.state import GateState

    request = rf.get("/")
    request.user, request.session = AnonymousUser(), {}
    state = GateState(request, "anonymous", (None, None), session.NOTHING)
    assert state.mark_for(AnonymousUser()) is None
