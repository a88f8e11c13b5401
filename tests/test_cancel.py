"""Signing out from the OTP page: never a trap."""

from __future__ import annotations

from typing import Any

from django.test import Client

from otp_gate import store
from tests.browsers import is_in, post_json
from tests.helpers import CANCEL, JSON, VERIFY, log_in, open_page


def test_signing_out_ends_the_session(held: Any) -> None:
    """POST logs out and leads to LOGIN_URL; the session and its code are gone."""
    code = open_page(held)
    response = held.post(CANCEL)
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert held.get("/status/").json()["status"] == "anonymous"
    log_in(held)
    held.post(VERIFY, {"code": code})
    assert not is_in(held)


def test_the_code_is_gone_from_redis(half: Client) -> None:
    """What nobody can type in any more does not wait in Redis."""
    open_page(half)
    half.post(CANCEL)
    redis = store.client("default")
    [key] = redis.keys("*}")
    assert {field[0] for field in redis.hkeys(key)} == {"s", "u"}


def test_a_get_signs_nobody_out(held: Any) -> None:
    """A prefetched link ends no login."""
    response = held.get(CANCEL)
    assert (response.status_code, response["Location"]) == (302, VERIFY)
    assert held.head(CANCEL).status_code == 302
    assert held.get("/status/").json()["status"] == "exempt"


def test_programs_sign_out_too(held: Any) -> None:
    """As JSON the answer says where the login is."""
    response = post_json(held, CANCEL)
    assert response.status_code == 200
    assert response.json() == {"status": "logged_out", "login_url": "/login/"}
    assert held.get(VERIFY, headers=JSON).json()["code"] == "login_required"


def test_signing_out_twice_is_no_error(half: Client) -> None:
    """Nobody is signed out again, quietly."""
    half.post(CANCEL)
    assert half.post(CANCEL)["Location"] == "/login/"
    assert post_json(half, CANCEL).json()["status"] == "logged_out"


def test_the_verified_can_sign_out_here(verified: Client) -> None:
    """The gate's own way out works in every state."""
    assert verified.post(CANCEL)["Location"] == "/login/"
    assert not is_in(verified)


def test_signing_out_needs_no_redis(half: Client, no_redis: None) -> None:
    """A log-out must never fail."""
    assert half.post(CANCEL)["Location"] == "/login/"
    assert half.get("/status/").json()["status"] == "anonymous"
