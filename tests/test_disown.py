"""The "this wasn't me" link of the mail."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sites.models import Site
from django.core import mail, signing
from django.test import Client

from otp_gate import codes, scripts, store
from otp_gate.challenge import credential_of
from otp_gate.signals import login_disowned, user_held
from tests.browsers import AsyncBrowser, is_in, post_json, redis_commands, status_of
from tests.clock import Clock
from tests.helpers import (
    DISOWN,
    JSON,
    VERIFY,
    disown_link,
    last_code,
    log_in,
    open_page,
    wrong_code,
)


@pytest.fixture(params=["wsgi", "asgi"])
def anybody(request: pytest.FixtureRequest) -> Any:
    """The browser in which the mail is read, where nobody is logged in."""
    return Client() if request.param == "wsgi" else AsyncBrowser(Client())


@pytest.fixture
def heard() -> Any:
    """What `login_disowned` said."""
    told: list[dict[str, Any]] = []

    def hear(**named: Any) -> None:
        told.append(named)

    login_disowned.connect(hear)
    yield told
    login_disowned.disconnect(hear)


def token(index: int = -1) -> str:
    return parse_qs(urlsplit(disown_link(index)).query)["token"][0]


def record_of(user: Any) -> dict[str, str]:
    key = store.record_key(codes.user_digest(str(user.pk)))
    found: dict[str, str] = store.client("default").hgetall(key)
    return found


def run_disown(user: Any, tag: str, name: str) -> str:
    digest = codes.user_digest(str(user.pk))
    answer: str = store.run_for_user(
        scripts.DISOWN, digest, tag=tag, who=credential_of(user), id=name
    )
    return answer


def test_the_link_asks_and_does_nothing(half: Client, anybody: Any, heard: Any) -> None:
    """A mail scanner that opens the link stops nobody's login."""
    code = open_page(half)
    with redis_commands() as seen:
        page = anybody.get(disown_link())
        anybody.head(disown_link())
    assert page.status_code == 200
    assert f'action="{DISOWN}"' in page.content.decode()
    assert f'name="token" value="{token()}"' in page.content.decode()
    assert (seen, heard) == ([], [])
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_the_button_kills_code_and_session(
    half: Client, anybody: Any, heard: Any, alice: Any
) -> None:
    """The code is void, the browser that waits for it is signed out, and the project is told."""
    code = open_page(half)
    response = anybody.post(DISOWN, {"token": token()})
    assert response.status_code == 200
    assert "That sign-in is stopped" in response.content.decode()
    assert [(said["user"], said["code_used"], said["sender"]) for said in heard] == [
        (alice, False, type(alice))
    ]
    record = record_of(alice)
    assert {field[0] for field in record} == {"u", "s", "i", "c"}
    assert code not in str(record)
    answer = half.post(VERIFY, {"code": code})
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert half.get("/status/").json()["status"] == "anonymous"


@pytest.mark.parametrize("ask", ["get", "json", "resend", "garbage", "sign in again"])
def test_the_waiting_browser_is_signed_out_whatever_it_does(half: Client, ask: str) -> None:
    """Opening the page, polling, asking for another code: all of it ends the session."""
    open_page(half)
    Client().post(DISOWN, {"token": token()})
    if ask == "get":
        assert half.get(VERIFY)["Location"] == "/login/"
    elif ask == "json":
        assert half.get(VERIFY, headers=JSON).json()["code"] == "login_required"
    elif ask == "resend":
        assert half.post("/otp/resend/")["Location"] == "/login/"
    elif ask == "garbage":
        assert half.post(VERIFY, {"code": "abc"})["Location"] == "/login/"
    else:
        assert half.post("/otp/cancel/")["Location"] == "/login/"
    assert half.get("/status/").json()["status"] == "anonymous"
    assert len(mail.outbox) == 1


def test_no_new_code_is_sent_for_a_while(half: Client, clock: Clock) -> None:
    """Who knows the password would ask again: no code leaves for an hour, to no session."""
    open_page(half)
    Client().post(DISOWN, {"token": token()})
    thief = Client()
    log_in(thief)
    response = thief.get(VERIFY)
    assert response.status_code == 429
    assert response["Retry-After"] == "3600"
    assert "No codes are sent at the moment" in response.content.decode()
    assert "Too many wrong codes" not in response.content.decode()
    refused = post_json(thief, "/otp/resend/")
    assert (refused.status_code, refused.json()["code"]) == (429, "held")
    clock.advance(850)
    log_in(thief)
    clock.advance(2740)
    log_in(thief)
    assert thief.get(VERIFY).status_code == 429
    clock.advance(11)
    log_in(thief)
    assert thief.get(VERIFY).status_code == 200
    assert len(mail.outbox) == 2


def test_another_browser_of_the_same_user_goes_on(half: Client) -> None:
    """Only the disowned login dies: who is at the other browser may be the person."""
    open_page(half)
    link = token()
    other = Client()
    log_in(other)
    code = open_page(other)
    Client().post(DISOWN, {"token": link})
    assert other.post(VERIFY, {"code": code}).status_code == 302


def test_a_code_that_was_used_is_told_apart(half: Client, anybody: Any, heard: Any) -> None:
    """Where somebody is in already, the page says so: only a new password throws him out."""
    half.post(VERIFY, {"code": open_page(half)})
    response = anybody.post(DISOWN, {"token": token()})
    assert response.status_code == 200
    assert "Somebody has signed in with it" in response.content.decode()
    assert [said["code_used"] for said in heard] == [True]
    assert is_in(half)
    assert "does not work any more" in anybody.post(DISOWN, {"token": token()}).content.decode()


def test_the_link_of_every_mail_of_a_login_works(half: Client, clock: Clock) -> None:
    """An older mail of the same login stops it as well as the last one."""
    open_page(half)
    clock.advance(31)
    half.post("/otp/resend/")
    Client().post(DISOWN, {"token": token(0)})
    assert half.get(VERIFY)["Location"] == "/login/"


def test_the_link_works_once(half: Client, anybody: Any, heard: Any) -> None:
    """A link that was used does nothing, and nobody is told twice."""
    open_page(half)
    assert anybody.post(DISOWN, {"token": token()}).status_code == 200
    response = anybody.post(DISOWN, {"token": token()})
    assert response.status_code == 400
    assert "This link does not work any more" in response.content.decode()
    assert len(heard) == 1


def test_the_link_works_after_a_log_out(half: Client, heard: Any) -> None:
    """A thief who signs out before the mail is read is still reported."""
    open_page(half)
    half.post("/otp/cancel/")
    assert Client().post(DISOWN, {"token": token()}).status_code == 200
    assert len(heard) == 1


def test_the_link_lives_a_day(half: Client, clock: Clock) -> None:
    """An hour later the mail may be read; two days later it is too late."""
    open_page(half)
    link = disown_link()
    clock.advance(86_000)
    assert Client().get(link).status_code == 200
    clock.advance(500)
    assert Client().get(link).status_code == 400


def test_the_record_is_cleared_after_a_day(half: Client, alice: Any, clock: Clock) -> None:
    """What is over is forgotten with the next code of that user; its link lives for a day."""
    for pause in (0, 50_000, 36_500):
        clock.advance(pause)
        client = Client()
        log_in(client)
        open_page(client)
    assert sorted(field[0] for field in record_of(alice)) == ["c", "i", "s", "u"]
    assert Client().post(DISOWN, {"token": token(0)}).status_code == 400
    assert Client().post(DISOWN, {"token": token(1)}).status_code == 200


@pytest.mark.parametrize(
    "forged",
    ["", "x", "a:b:c", "\x00", "é", "x" * 10_000, '["1", "x"]', ["a"], {"a": 1}, 7, None],
)
def test_a_forged_link_does_nothing(half: Client, heard: Any, forged: object) -> None:
    """Without the signature of the site nobody is disowned, and nothing breaks."""
    code = open_page(half)
    anybody = Client()
    for response in (
        post_json(anybody, DISOWN, {"token": forged}),
        post_json(anybody, DISOWN, [forged]),
        anybody.post(DISOWN, {"token": str(forged)}),
        anybody.get(DISOWN, {"token": str(forged)}),
    ):
        assert response.status_code == 400
    assert heard == []
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_link_signed_for_something_else_does_nothing(half: Client, alice: Any) -> None:
    """A signature of the same site with another purpose is no link of ours."""
    open_page(half)
    other = signing.dumps([str(alice.pk), "tag"], salt="another.app")
    assert Client().post(DISOWN, {"token": other}).status_code == 400
    inside = token().replace(":", ".", 1)
    assert Client().post(DISOWN, {"token": inside}).status_code == 400


def test_a_link_names_one_user(half: Client, bob: Any, heard: Any) -> None:
    """A half-authenticated user cannot disown the login of another."""
    open_page(half)
    other = Client()
    log_in(other, "bob")
    code = open_page(other)
    half.post(DISOWN, {"token": token(0), "user": "bob"})
    assert [said["user"].username for said in heard] == ["alice"]
    assert other.post(VERIFY, {"code": code}).status_code == 302


def test_a_link_of_a_deleted_user_does_nothing(half: Client, alice: Any, heard: Any) -> None:
    """Who is gone cannot be disowned."""
    open_page(half)
    link = token()
    alice.delete()
    assert Client().post(DISOWN, {"token": link}).status_code == 400
    assert heard == []


def test_programs_disown_too(half: Client, anybody: Any) -> None:
    """As JSON: GET asks, POST does it once."""
    open_page(half)
    asked = anybody.get(disown_link(), headers=JSON).json()
    assert len(asked.pop("csrf_token")) == 64
    assert asked == {"status": "ask"}
    assert post_json(anybody, DISOWN, {"token": token()}).json() == {"status": "done"}
    again = post_json(anybody, DISOWN, {"token": token()})
    assert (again.status_code, again.json()["code"]) == (400, "invalid")


def test_page_and_program_hear_the_same_of_the_pause(half: Client) -> None:
    """No new code for a while: 429 for both, by GET and by HEAD."""
    open_page(half)
    Client().post(DISOWN, {"token": token()})
    again = Client()
    log_in(again)
    assert again.get(VERIFY).status_code == again.head(VERIFY).status_code == 429
    answer = again.get(VERIFY, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (429, "held")


def test_a_receiver_that_raises_stops_nobody(half: Client) -> None:
    """The signals tell; they do not decide."""

    def fail(**named: Any) -> None:
        raise RuntimeError

    login_disowned.connect(fail)
    try:
        open_page(half)
        assert Client().post(DISOWN, {"token": token()}).status_code == 200
    finally:
        login_disowned.disconnect(fail)


def test_the_same_request_twice_is_one(half: Client, alice: Any) -> None:
    """A client library that repeats the script hears the first answer again."""
    open_page(half)
    tag = codes.nonce_digest(half.session["_otp_gate_pending"][0])
    assert [run_disown(alice, tag, "aaaaaaaa") for _ in range(2)] == ["done"] * 2
    assert run_disown(alice, tag, "bbbbbbbb") == "none"


def test_the_same_request_twice_after_use_is_one(half: Client, alice: Any) -> None:
    """The repeated answer is also the same where the code had been used."""
    code = open_page(half)
    tag = codes.nonce_digest(half.session["_otp_gate_pending"][0])
    half.post(VERIFY, {"code": code})
    assert [run_disown(alice, tag, "aaaaaaaa") for _ in range(2)] == ["used"] * 2


def test_the_link_leads_to_the_site_of_the_mail(half: Client) -> None:
    """The host is the sites framework's, never what a request claims."""
    Site.objects.update(domain="shop.example.org", name="The shop")
    Site.objects.clear_cache()
    try:
        open_page(half)
        assert f"http://shop.example.org{DISOWN}?token=" in mail.outbox[0].body
    finally:
        Site.objects.clear_cache()


def test_disowning_while_redis_is_away(half: Client, anybody: Any, settings: Any) -> None:
    """The page asks to try again, and the link still works afterwards."""
    open_page(half)
    caches = settings.CACHES
    settings.CACHES = {"default": {**caches["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    settings.CACHES["default"]["OPTIONS"] = {}
    assert anybody.post(DISOWN, {"token": token()}).status_code == 503
    settings.CACHES = caches
    assert anybody.post(DISOWN, {"token": token()}).status_code == 200


def test_wrong_answers_do_not_hinder_disowning(half: Client) -> None:
    """The person can stop a login that somebody guesses at."""
    open_page(half)
    for _ in range(6):
        half.post(VERIFY, {"code": wrong_code()})
    assert status_of(half)["status"] == "used_up"
    assert Client().post(DISOWN, {"token": token()}).status_code == 200
    assert half.get(VERIFY)["Location"] == "/login/"


def test_a_new_password_ends_the_hold(half: Client, alice: Any) -> None:
    """As the page asks: its owner sets one, signs in, and gets a code at once."""
    open_page(half)
    Client().post(DISOWN, {"token": token()})
    owner = Client()
    log_in(owner)
    page = owner.get(VERIFY).content.decode()
    assert "set a new password" in page
    assert 'name="code"' not in page
    alice.set_password("quite new")
    alice.save()
    again = Client()
    assert again.login(username="alice", password="quite new")
    assert again.get(VERIFY).status_code == 200
    assert again.post(VERIFY, {"code": last_code()}).status_code == 302


def test_a_hold_is_signalled(half: Client, alice: Any) -> None:
    """With the time it lasts, so that a help desk can be told."""
    told = []

    def hear(**named: Any) -> None:
        told.append((named["user"], named["retry_after"], named["sender"]))

    user_held.connect(hear)
    try:
        open_page(half)
        link = token()
        for _ in range(2):
            Client().post(DISOWN, {"token": link})
    finally:
        user_held.disconnect(hear)
    assert told == [(alice, 3600.0, type(alice))]


def test_a_log_out_does_not_make_the_link_good_again(half: Client) -> None:
    """Each click would hold back codes for another hour."""
    open_page(half)
    link = token()
    assert Client().post(DISOWN, {"token": link}).status_code == 200
    half.post("/otp/cancel/")
    assert Client().post(DISOWN, {"token": link}).status_code == 400
