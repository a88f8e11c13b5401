"""No form is lost without a word: it goes on after the code, or the page says it was not sent.

After VERIFIED_TTL it is kept as for a step-up. Where the login was never verified, nothing is stored.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otp_gate import store
from tests import views
from tests.browsers import AsyncBrowser, is_in, post_json
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate
from tests.helpers import CANCEL, JSON, PASSWORD, VERIFY, last_code, open_page

pytestmark = pytest.mark.usefixtures("site")

TEXT = {"title": "a long text"}
FROM = {"referer": "http://testserver/note/?id=7"}
NOT_SENT = "What you sent was not processed, because a code is needed first."
KEPT = "What you sent is kept."


@pytest.fixture
def site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.forms"
    settings.OTP_GATE = {"VERIFIED_TTL": 600}


@pytest.fixture
def stale(passed: Any, clock: Clock) -> Any:
    """Alice's browser, whose VERIFIED_TTL has ended while she wrote."""
    clock.advance(1200)
    views.RAN.clear()
    return passed


def in_redis() -> int:
    """Count what waits in Redis."""
    return sum(
        field.startswith("r")
        for key in saved_keys()
        for field in store.client("default").hkeys(key)
    )


def saved_keys() -> list[Any]:
    return list(store.client("default").keys("*:saved"))


def page_of(client: Any) -> str:
    """Open the page for the code as a redirect leads to it."""
    response = client.get(VERIFY)
    assert response.status_code == 200
    return str(response.content.decode())


def confirm(client: Any) -> Any:
    """Type the code on the page, with its hidden fields."""
    page = page_of(client)
    kept = re.search(r'name="kept" value="([^"]*)"', page)
    assert kept is not None
    return client.post(VERIFY, {"code": last_code(), "kept": kept[1]})


# VERIFIED_TTL is over


@pytest.mark.parametrize("view", ["note", "anote", "exempt-note"])
def test_form_after_verified_ttl_goes_on(stale: Any, view: str) -> None:
    """Files and all, once, as the POST it was."""
    scan = SimpleUploadedFile("a.txt", b"\x00\xff")
    answer = stale.post(f"/{view}/", {**TEXT, "scan": scan}, headers=FROM)
    assert (answer.status_code, answer["Location"]) == (302, VERIFY)
    assert KEPT in page_of(stale)
    where = confirm(stale)["Location"]
    assert where.startswith(f"/{view}/?otp_gate_resume=")
    assert not views.RAN
    assert stale.get(where).content.decode() == f"alice: a long text, {[bytes([0, 255])]}"
    assert views.RAN == {"note POST": 1}
    assert stale.get(where)["Location"] == f"/{view}/"
    assert views.RAN == {"note POST": 1}


def test_form_of_the_admin_goes_on(settings: Any, admin_user: Any, clock: Clock) -> None:
    """No view needs to know of the gate."""
    client = Client()
    client.force_login(admin_user)
    client.post(VERIFY, {"code": open_page(client)})
    clock.advance(1200)
    form = {"domain": "kept.example.org", "name": "kept"}
    client.post("/admin/sites/site/add/", form)
    client.get(confirm(client)["Location"])
    assert "kept.example.org" in client.get("/admin/sites/site/").content.decode()


def test_second_form_takes_the_place_of_the_first(stale: Any) -> None:
    """And the page says that the first is dropped."""
    stale.post("/note/", {"title": "first"})
    stale.post("/note/", {"title": "second"})
    assert "is dropped" in page_of(stale)
    assert b"alice: second" in stale.get(confirm(stale)["Location"]).content


def test_program_hears_that_its_form_waits(stale: Any) -> None:
    """The JSON of the page has `kept`."""
    stale.post("/note/", TEXT)
    assert stale.get(VERIFY, headers=JSON).json()["kept"] is True
    open_page(stale)
    told = post_json(stale, VERIFY, {"code": last_code()}).json()
    assert told["next"].startswith("/note/?otp_gate_resume=")


@pytest.mark.parametrize("headers", [JSON, {"hx-request": "true"}, {"sec-fetch-dest": "iframe"}])
def test_programs_hold_on_to_what_they_sent(stale: Any, headers: Any) -> None:
    """They get the answers of old."""
    answer = stale.post("/note/", TEXT, headers=headers)
    assert answer.status_code in (302, 403)
    assert not in_redis()
    assert "kept" not in stale.get(VERIFY, headers=JSON).json()


def test_what_is_not_typed_in_time_is_gone(stale: Any, clock: Clock) -> None:
    """PENDING_TTL ends the login, and with it the form."""
    stale.post("/note/", TEXT)
    code = open_page(stale)
    clock.advance(901)
    assert stale.post(VERIFY, {"code": code})["Location"] == "/login/"
    assert not in_redis()
    assert not views.RAN


def test_signing_out_forgets_the_form(stale: Any) -> None:
    """Nothing of it stays in Redis."""
    stale.post("/note/", TEXT)
    assert in_redis()
    stale.post(CANCEL)
    assert not in_redis()


def test_another_login_in_the_session_voids_the_form(stale: Any, bob: Any) -> None:
    """Bob's code lets nothing of Alice's go on."""
    stale.post("/note/", TEXT)
    stale.get("/magic/bob/")
    assert KEPT not in page_of(stale)
    assert confirm(stale)["Location"] == "/"
    assert not views.RAN


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_another_site_can_leave_nothing_here(verified: Client, clock: Clock, server: str) -> None:
    """A form without a right CSRF token is not stored, and is said to be lost."""
    clock.advance(1200)
    strict: Any = Client(enforce_csrf_checks=True)
    strict.cookies = verified.cookies
    strict = strict if server == "wsgi" else AsyncBrowser(strict)
    assert strict.post("/note/", TEXT).status_code == 302
    assert not in_redis()
    assert "could not be kept" in page_of(strict)


def test_form_for_exempt_view_needs_no_token(verified: Client, clock: Clock) -> None:
    """The project said that this view takes any form."""
    clock.advance(1200)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = verified.cookies
    strict.post("/exempt-note/", TEXT)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page_of(strict))
    assert token is not None
    answer = strict.post(VERIFY, {"code": last_code(), "csrfmiddlewaretoken": token[1]})
    assert strict.get(answer["Location"]).content.startswith(b"alice: a long text")


def test_entry_of_another_release_is_no_form(half: Client) -> None:
    """A session may hold what no code of this release wrote."""
    session = half.session
    session["_otp_gate_kept"] = "?"
    session.save()
    assert "What you sent" not in page_of(half)
    assert half.post(CANCEL)["Location"] == "/login/"


def test_form_that_is_too_large_is_said_to_be(stale: Any) -> None:
    """2.5 MB, as for a step-up; the code leads back to the page of the form."""
    stale.post("/note/", {"title": "x" * 2_700_000}, headers=FROM)
    assert "is too large to be kept" in page_of(stale)
    assert confirm(stale)["Location"] == "/note/?id=7"


@pytest.mark.parametrize("lives", ["never", "once"])
@pytest.mark.parametrize("url", ["/login/", "/admin/login/", "/logout/"])
def test_password_and_log_out_are_not_kept(
    alice: Any, settings: Any, clock: Clock, url: str, lives: str
) -> None:
    """A double click on "Log in" is no lost form, and no password is stored."""
    settings.LOGIN_URL = "/login/"
    client = Client()
    client.force_login(alice)
    if lives == "once":
        client.post(VERIFY, {"code": open_page(client)})
        clock.advance(1200)
    client.post(url, {"username": "alice", "password": PASSWORD})
    assert not in_redis()
    page = page_of(client)
    assert "What you sent" not in page


def test_form_on_the_page_of_the_answer_can_be_sent(stale: Any) -> None:
    """It is sent to the address with the token, which the view does not see."""
    stale.post("/note/", TEXT)
    where = confirm(stale)["Location"]
    stale.get(where)
    assert stale.post(where, {"title": "more"}).content.startswith(b"alice: more")
    assert views.RAN == {"note POST": 2}


# Never verified


@pytest.mark.parametrize("view", ["note", "anote"])
def test_form_on_the_day_of_the_roll_out_is_said_not_to_be_sent(held: Any, view: str) -> None:
    """A session from before the gate: nothing is stored, and the code leads back to the page."""
    answer = held.post(f"/{view}/", TEXT, headers=FROM)
    assert (answer.status_code, answer["Location"]) == (302, VERIFY)
    page = page_of(held)
    assert NOT_SENT in page
    assert KEPT not in page
    assert not in_redis()
    assert confirm(held)["Location"] == "/note/?id=7"
    assert not views.RAN
    assert is_in(held)
    assert "_otp_gate_kept" not in held.session


def test_form_under_a_new_policy_is_said_not_to_be_sent(held: Any, settings: Any) -> None:
    """The policy asked this user for no code yesterday."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    assert held.post("/note/", TEXT).status_code == 200
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.everyone"}
    held.post("/note/", TEXT, headers=FROM)
    assert NOT_SENT in page_of(held)
    assert confirm(held)["Location"] == "/note/?id=7"


def test_page_says_it_in_the_language_of_the_user(held: Any, settings: Any) -> None:
    """As every sentence."""
    settings.LANGUAGE_CODE = "de"
    held.post("/note/", TEXT, headers=FROM)
    assert "wurde nicht verarbeitet" in page_of(held)


@pytest.mark.parametrize("referer", ["", "http://evil.example/", "http://testserver/otp/"])
def test_back_leads_nowhere_else(held: Any, referer: str) -> None:
    """Where the page of the form is not known, to where a login leads."""
    held.post("/note/", TEXT, headers={"referer": referer} if referer else {})
    assert confirm(held)["Location"] == "/"


def test_form_for_no_page_is_answered_alike(held: Any) -> None:
    """The gate does not tell which paths there are."""
    answer = held.post("/no-such-page/", TEXT, headers=FROM)
    assert (answer.status_code, answer["Location"]) == (302, VERIFY)
    assert NOT_SENT in page_of(held)


def test_note_is_gone_where_the_code_leads_to_another_page(held: Any) -> None:
    """It must not stand on the page of a step-up, much later."""
    held.post("/note/", TEXT, headers=FROM)
    page = held.get(f"{VERIFY}?next=/secret/").content.decode()
    assert NOT_SENT not in page
    answer = held.post(VERIFY, {"code": last_code(), "kept": "", "next": "/secret/"})
    assert answer["Location"] == "/secret/"
    assert "_otp_gate_kept" not in held.session


def test_form_that_waits_is_not_dropped_by_another_page(stale: Any) -> None:
    """The code was typed in another tab; the page of the form lets it go on."""
    stale.post("/note/", TEXT)
    kept = re.search(r'name="kept" value="([^"]*)"', page_of(stale))
    stale.get(f"{VERIFY}?next=/secret/")
    stale.post(VERIFY, {"code": last_code(), "kept": "", "next": "/secret/"})
    assert kept is not None
    assert stale.post(VERIFY, {"kept": "of another page"})["Location"] == "/"
    where = stale.post(VERIFY, {"kept": kept[1]})["Location"]
    assert stale.get(where).content.startswith(b"alice: a long text")


def test_user_without_a_session_gets_no_note(alice: Any, settings: Any) -> None:
    """A token names the user in each request: a session each time would serve nobody."""
    put_around_gate(settings, before=["tests.middlewares.Tokens"])
    client = Client(headers={"x-token": "alice"})
    assert_held(client.post("/note/", TEXT))
    assert "sessionid" not in client.cookies
