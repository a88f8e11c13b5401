"""A code counts for the user who typed it in: not for another one for whom a view acts."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from tests import views
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import JSON, PASSWORD, VERIFY, open_page, pass_gate
from tests.urlconfs.proofs import EXCHANGED, STREAMS

STAFF = {"POLICY": "otp_gate.policy.staff"}


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.proofs"


def password_of(name: str) -> dict[str, str]:
    token = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
    return {"authorization": f"Basic {token}"}


def refused(response: Any) -> None:
    """A refusal that leads to no code, and is stored by no cache."""
    assert response.status_code in (401, 403), response
    assert b"paid" not in response.content
    assert not views.RAN["pay"]


@pytest.fixture
def before(passed: Any, bob: Any, mailoutbox: Any) -> Any:
    """Alice's browser after the code; no mail has been written since. She knows Bob's password."""
    mailoutbox.clear()
    views.RAN.clear()
    return passed


@pytest.mark.parametrize("view", EXCHANGED)
def test_own_code_does_not_open_step_up_for_another_user(
    before: Any, mailoutbox: Any, view: str
) -> None:
    """However the user came to be another one: 403, no mail, and no step-up in the session."""
    data = dict(before.session)
    for headers in ({}, JSON, {"hx-request": "true"}):
        for ask in (before.get, before.post):
            refused(ask(f"/{view}/", headers={**password_of("bob"), **headers}))
    assert dict(before.session) == data
    assert not mailoutbox


@pytest.mark.parametrize("view", sorted({*EXCHANGED} - {"drf-permission"}))
def test_refusal_names_the_login_and_no_page_for_the_code(before: Any, view: str) -> None:
    """As text for a person, as a problem document for a program; never stored."""
    page = before.get(f"/{view}/", headers=password_of("bob"))
    assert (page.status_code, page["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert page.content == b"This needs a login that was verified by a one-time password."
    told = before.get(f"/{view}/", headers={**password_of("bob"), **JSON})
    assert told["Content-Type"] == "application/problem+json"
    assert told.json()["code"] == "otp_required"
    assert told.json()["login_url"] == "/login/"
    assert "verify_url" not in told.json()
    assert "no-store" in page["Cache-Control"]
    assert "no-store" in told["Cache-Control"]


@pytest.mark.parametrize("view", EXCHANGED)
def test_own_password_with_own_code_passes(before: Any, view: str) -> None:
    """The user is the same, by whatever object."""
    answer = before.get(f"/{view}/", headers=password_of("alice"))
    assert answer.content == b"paid by alice"


@pytest.mark.parametrize("view", sorted({*EXCHANGED} - {"drf-permission"}))
def test_code_typed_after_the_refusal_does_not_help(before: Any, clock: Clock, view: str) -> None:
    """Alice may renew her own code as often as she likes."""
    refused(before.get(f"/{view}/", headers=password_of("bob")))
    clock.advance(301)
    before.get("/pay/")
    assert before.post(VERIFY, {"code": open_page(before)}).status_code == 302
    refused(before.get(f"/{view}/", headers=password_of("bob")))
    assert before.get("/pay/").content == b"paid by alice"


def test_stale_code_of_the_session_is_still_asked_for_again(before: Any, clock: Clock) -> None:
    """By the decorator inside of DRF too, where the request is DRF's own; and the form goes on."""
    clock.advance(301)
    assert_held(before.get("/drf-session/"), "/drf-session/")
    assert_held(before.post("/drf-session/", {"amount": "1"}))
    location = before.post(VERIFY, {"code": open_page(before)})["Location"]
    assert location.startswith("/drf-session/?otp_gate_resume=")
    assert before.get(location).content == b"paid by alice"


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("policy", [{}, STAFF])
def test_user_exchanged_by_middleware_is_another_user(
    before: Any, settings: Any, mailoutbox: Any, place: str, policy: Any
) -> None:
    """Before the gate or behind it, held by the policy or not: no step-up for Bob by Alice."""
    settings.OTP_GATE = policy
    put_around_gate(settings, **{place: ["tests.urlconfs.proofs.Exchange"]})
    restarted(before)
    for page in ("/pay/", "/apay/", "/any-age/"):
        answer = before.get(page, headers=password_of("bob"))
        assert answer.status_code in ((403,) if policy else (302, 403))
        assert not views.RAN["pay"]
        own = before.get(page, headers=password_of("alice"))
        assert own.content == b"paid by alice"
        views.RAN.clear()
    assert not mailoutbox


def test_password_without_a_session_starts_no_step_up(alice: Any, settings: Any) -> None:
    """Where no policy holds the user, either: there is no session that a code could verify."""
    settings.OTP_GATE = STAFF
    client = Client()
    answer = client.get("/function/", headers=password_of("alice"))
    refused(answer)
    assert not client.cookies


def test_report_mode_lets_pass_and_tells(
    before: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """As for every step-up."""
    settings.OTP_GATE = {"MODE": "report"}
    with caplog.at_level("INFO", logger="otp_gate"):
        answer = before.get("/function/", headers=password_of("bob"))
    assert answer.content == b"paid by bob"
    assert "Would ask again: step-up" in caplog.messages


def test_form_kept_for_one_user_does_not_run_for_another(
    verified: Client, bob: Any, clock: Clock, settings: Any
) -> None:
    """The token in the address belongs to Alice's session and to Alice."""
    put_around_gate(settings, after=["tests.urlconfs.proofs.Exchange"])
    restarted(verified)
    clock.advance(301)
    verified.post("/pay/", {"amount": "1"})
    location = verified.post(VERIFY, {"code": open_page(verified)})["Location"]
    views.RAN.clear()
    answer = verified.get(location, headers=password_of("bob"))
    assert answer.status_code in (302, 403)
    assert not views.RAN["pay"]
    others = Client()
    pass_gate(others, "bob")
    others.get(location)
    assert not views.RAN["pay POST"]


# Within one request


@pytest.mark.parametrize("name", ["alice", "bob", "nobody"])
def test_login_inside_the_view_ends_the_proof(before: Any, name: str) -> None:
    """Also of the same user: a password was given, and no code."""
    answer = before.get(f"/log-in/{name}/")
    assert b"paid" not in answer.content
    assert not views.RAN["pay"]


def test_login_inside_the_view_of_an_excused_user_asks_for_the_code(
    alice: Any, settings: Any, client: Client
) -> None:
    """The session is that user's own: a code typed in there proves it."""
    settings.OTP_GATE = STAFF
    client.get("/log-in/alice/")
    assert not views.RAN["pay"]
    client.post(VERIFY, {"code": open_page(client)})
    assert client.get("/any-age/").content == b"paid by alice"


def test_exchanged_session_proves_nothing(before: Any) -> None:
    """A proof ends with the session that holds it."""
    assert before.get("/other-session/")["Location"] == "/login/?next=/other-session/"


def test_exchanged_session_proves_nothing_of_a_loaded_user(before: Any) -> None:
    """The user is still Alice, and the session nobody's."""
    refused(before.get("/other-session/?loaded=1"))


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_login_by_an_authentication_class_ends_the_proof(before: Any, name: str) -> None:
    """Also the login of the same user: the password was given again, and no code."""
    refused(before.get("/drf-login/", headers=password_of(name)))


def test_half_authenticated_request_is_turned_away_without_step_up(before: Any) -> None:
    """Whatever the session proved before: the page then asks for the code of that login."""
    data = dict(before.session)
    assert_held(before.get("/half/"), "/half/")
    assert dict(before.session) == data


# Two users in one session, as while one acts as the other


@pytest.fixture
def acting(verified: Client, alice: Any, bob: Any, clock: Clock) -> Client:
    """Alice's session; the code was carried over to Bob, and is too old for a step-up by now."""
    session = verified.session
    marks = session["_otp_gate_verified"]
    session["_otp_gate_verified"] = {**marks, str(bob.pk): marks[str(alice.pk)]}
    session.save()
    clock.advance(301)
    return verified


def test_user_who_is_acted_as_is_asked_for_the_code_again(
    acting: Client, settings: Any, mailoutbox: Any
) -> None:
    """Where a middleware says so for the page too, so that the mail goes to that user."""
    put_around_gate(settings, before=["tests.urlconfs.proofs.Exchange"])
    restarted(acting)
    assert_held(acting.get("/pay/", headers=password_of("bob")), "/pay/")
    mailoutbox.clear()
    acting.get(VERIFY, headers={**password_of("bob"), "accept": "text/html"})
    assert mailoutbox[-1].to == ["bob@example.com"]


def test_carried_over_code_that_is_stale_starts_no_step_up_inside_a_view(acting: Client) -> None:
    """The page would see Alice, and send her the code."""
    refused(acting.get("/function/", headers=password_of("bob")))


def test_fresh_code_of_one_does_not_renew_the_stale_code_of_the_other(
    acting: Client, bob: Any
) -> None:
    """Who is named by `auser` alone must be as fresh; only the session's own user need not be."""
    assert acting.get("/pay/").status_code == 302
    acting.post(VERIFY, {"code": open_page(acting)})
    assert acting.get("/pay/").content == b"paid by alice"
    views.RAN.clear()
    refused(acting.get("/auser/", headers=password_of("bob")))


# Streams


def given(response: Any) -> bytes:
    if not response.is_async:
        return b"".join(response.streaming_content)

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    return async_to_sync(collect)()


@pytest.mark.parametrize("view", [*STREAMS, "sync-in-async"])
def test_stream_gives_nothing_of_another_user(before: Any, view: str) -> None:
    """Its content never begins."""
    assert given(before.get(f"/{view}/", headers=password_of("bob"))) == b""
    assert given(before.get(f"/{view}/", headers=password_of("alice"))) == b"private of alice"


def test_stream_in_report_mode_is_given(before: Any, settings: Any) -> None:
    """Nothing is stopped."""
    settings.OTP_GATE = {"MODE": "report"}
    assert given(before.get("/stream/", headers=password_of("bob"))) == b"private of bob"


# django-sesame


@pytest.fixture
def sesame(settings: Any) -> Any:
    pytest.importorskip("sesame")
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "sesame.backends.ModelBackend",
    ]
    settings.ROOT_URLCONF = "tests.urlconfs.sesame"
    from sesame import utils

    return utils


def test_magic_link_of_another_user_is_refused(
    sesame: Any, verified: Client, alice: Any, bob: Any, mailoutbox: Any
) -> None:
    """Its token makes Bob of Alice within the view; her own link works."""
    mailoutbox.clear()
    refused(verified.get(f"/link/{sesame.get_query_string(bob)}"))
    assert not mailoutbox
    answer = verified.get(f"/link/{sesame.get_query_string(alice)}")
    assert answer.content == b"paid by alice"


def test_magic_link_that_logs_in_is_no_proof(
    sesame: Any, verified: Client, bob: Any, mailoutbox: Any
) -> None:
    """`permanent=True` calls `login`, which begins anew."""
    answer = verified.get(f"/login-link/{sesame.get_query_string(bob)}")
    assert not views.RAN["pay"]
    assert b"paid" not in answer.content
