"""A form that step-up refuses waits for the code, and goes on as it was: once, for who sent it."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.test import AsyncClient, Client
from django.test.client import FakePayload, encode_multipart

from otp_gate import saved_store, store
from tests import views
from tests.browsers import AsyncBrowser, post_json
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import CANCEL, JSON, VERIFY, last_code, log_in, open_page, pass_gate
from tests.urlconfs.kept import digest

pytestmark = pytest.mark.usefixtures("site")

VIEWS = ["function", "afunction", "class", "aclass", "post-only", "post-only-inside"]
FORM = {"amount": "100", "to": ["bob", "eve"], "note": "für Bob\r\n–"}
LATIN = b'--x\r\nContent-Disposition: form-data; name="amount"\r\n\r\n\xfc\r\n--x--\r\n'


@pytest.fixture
def site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.kept"


@pytest.fixture
def stale(passed: Any, clock: Clock) -> Any:
    """Alice's browser, whose code was typed in longer ago than the views like."""
    clock.advance(100)
    views.RAN.clear()
    return passed


def files() -> dict[str, Any]:
    """Two files in one field, a large one in another."""
    return {
        "amount": "7",
        "to": ["bob", "eve"],
        "scan": [
            SimpleUploadedFile("a.txt", b"small\x00\xff", "text/plain"),
            SimpleUploadedFile("b.bin", bytes(range(256)) * 10, "application/octet-stream"),
        ],
        "film": BytesIO(b"film" * 300_000),
    }


def confirm(client: Any) -> Any:
    """Type the code on the page that the refused form led to; return the answer."""
    return client.post(VERIFY, {"code": open_page(client)})


def go_on(client: Any) -> Any:
    """Type the code and follow to where it leads."""
    return client.get(confirm(client)["Location"])


@pytest.mark.parametrize("view", VIEWS)
def test_a_form_goes_on_as_it_was(stale: Any, view: str) -> None:
    """Method, address, fields, body, headers: the view cannot tell that a code came in between."""
    address = f"/kept/{view}/?a=1&b=%C3%BC&a=2"
    response = stale.post(address, FORM, headers={"referer": "http://testserver/pay/"})
    assert_held(response)
    page = stale.get(VERIFY).content.decode()
    assert "What you sent is kept." in page
    answer = stale.post(VERIFY, {"code": last_code()})
    assert answer["Location"].startswith(address)
    assert not views.RAN
    told = stale.get(answer["Location"])
    expected = {
        "method": "POST",
        "path": address,
        "query": {"a": ["1", "2"], "b": ["ü"]},
        "fields": {"amount": ["100"], "to": ["bob", "eve"], "note": ["für Bob\r\n–"]},
        "files": [],
        "type": "multipart/form-data",
        "referer": "http://testserver/pay/",
        "user": "alice",
    }
    assert {name: told.json()[name] for name in expected} == expected
    assert views.RAN == {"kept POST": 1}


@pytest.mark.parametrize("view", VIEWS)
def test_files_go_on_as_they_were(stale: Any, view: str, settings: Any) -> None:
    """Byte for byte, in their order, in memory or on the disk as Django would have them."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100_000
    stale.post(f"/kept/{view}/", files())
    told = go_on(stale).json()
    memory, disk = "InMemoryUploadedFile", "TemporaryUploadedFile"
    parts = bytes(range(256)) * 10
    assert told["fields"] == {"amount": ["7"], "to": ["bob", "eve"]}
    assert told["files"] == [
        ["scan", "a.txt", "text/plain", 7, memory, digest(b"small\x00\xff")],
        ["scan", "b.bin", "application/octet-stream", 2560, memory, digest(parts)],
        ["film", "film", "application/octet-stream", 1_200_000, disk, digest(b"film" * 300_000)],
    ]
    assert told["body"] == "read"
    assert views.RAN == {"kept POST": 1}


@pytest.mark.parametrize("view", ["function", "afunction", "class"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"amount=5&amount=6&empty="),
        ("multipart/form-data; boundary=x; charset=iso-8859-1", LATIN),
        ("text/xml", b"<pay>\xff\x00</pay>"),
        ("application/octet-stream", bytes(range(256))),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_any_other_body_goes_on_as_it_was(stale: Any, view: str, kind: str, body: bytes) -> None:
    """Its bytes, and what Django makes of them."""
    stale.generic("POST", f"/kept/{view}/", body, content_type=kind)
    told = go_on(stale).json()
    assert told["body"] == ("read" if body is LATIN else digest(body))
    assert told["type"] == (kind.partition(";")[0] if body else "")
    assert int(told["length"] or 0) == len(body)
    if b"amount" in body:
        assert told["fields"]["amount"] == (["ü"] if body is LATIN else ["5", "6"])


def test_any_method_that_changes_something_goes_on(stale: Any) -> None:
    """A PUT too, though no form of a browser sends one."""
    stale.generic("PUT", "/kept/class/", b"all of it", content_type="text/plain")
    told = go_on(stale).json()
    assert (told["method"], told["body"]) == ("PUT", digest(b"all of it"))


@pytest.mark.parametrize("view", ["function", "afunction"])
def test_it_goes_on_once(stale: Any, view: str) -> None:
    """A reload, the back button, a second tab: the view runs no second time, and sees no token."""
    stale.post(f"/kept/{view}/?a=1", FORM)
    address = confirm(stale)["Location"]
    first = stale.get(address)
    assert first.json()["method"] == "POST"
    assert "no-store" in first["Cache-Control"]
    assert first["Referrer-Policy"] == "same-origin"
    assert "_otp_gate_kept" not in stale.session
    again = stale.get(address)
    assert (again.status_code, again["Location"]) == (302, f"/kept/{view}/?a=1")
    assert "no-store" in again["Cache-Control"]
    assert views.RAN == {"kept POST": 1}
    assert stale.get(again["Location"]).json()["method"] == "GET"


def test_no_answer_to_it_is_stored(stale: Any, settings: Any) -> None:
    """Not even an error; and a site that tells nobody its addresses tells nobody this one."""
    settings.SECURE_REFERRER_POLICY = "no-referrer"
    restarted(stale).post("/kept/gone/", FORM)
    response = go_on(stale)
    assert response.status_code == 404
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert views.RAN == {"gone": 1}


def test_it_goes_on_where_a_middleware_wraps_the_user(stale: Any, settings: Any) -> None:
    """The second door then decides anew, and must not forget what the first knew."""
    put_around_gate(settings, after=["tests.middlewares.WrapsUser"])
    restarted(stale).post("/kept/function/", FORM)
    assert go_on(stale).json()["method"] == "POST"


# What stands in between


READ_ONLY = "tests.middlewares.ReadOnly"


def test_middleware_behind_the_gate_judges_the_form_as_the_post_that_it_is(
    stale: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site that became read-only while the code was typed refuses it, and runs nothing."""
    put_around_gate(settings, after=[READ_ONLY])
    restarted(stale)
    stale.post("/kept/function/", FORM)
    location = confirm(stale)["Location"]
    monkeypatch.setattr("tests.middlewares.ReadOnly.is_on", True)
    answer = stale.get(location)
    assert (answer.status_code, answer.content) == (503, b"read-only")
    assert "no-store" in answer["Cache-Control"]
    monkeypatch.setattr("tests.middlewares.ReadOnly.is_on", False)
    assert stale.get(location).status_code == 410
    assert stale.get(location)["Location"] == "/kept/function/"
    assert not views.RAN


@pytest.mark.parametrize("place", ["before", "after"])
def test_limit_on_posts_counts_the_form_that_goes_on(
    stale: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """What judges the view sees the POST, wherever it stands."""
    monkeypatch.setattr("tests.middlewares.CountsPosts.posts", 0)
    put_around_gate(settings, **{place: ["tests.middlewares.CountsPosts"]})
    restarted(stale)
    stale.post("/kept/function/", FORM)
    location = confirm(stale)["Location"]
    assert stale.get(location).status_code == 429
    assert not views.RAN


def test_form_goes_on_where_a_middleware_sets_the_user_again(stale: Any, settings: Any) -> None:
    """The gate decides a second time then; it is still the request that goes on."""
    put_around_gate(settings, after=["tests.middlewares.PutsUserAgain"])
    restarted(stale)
    stale.post("/kept/veto/sync-sync/?verdict=no", FORM)
    answer = go_on(stale)
    assert answer.status_code == 403
    assert "no-store" in answer["Cache-Control"]
    assert views.RAN == {"veto POST 100": 1}


VETOES_OF_EVERY_KIND = ["sync-sync", "sync-async", "async-sync", "async-async"]


@pytest.mark.parametrize("name", VETOES_OF_EVERY_KIND)
@pytest.mark.parametrize("verdict", ["yes", "nothing"])
def test_form_goes_on_where_the_project_lets_it(stale: Any, name: str, verdict: str) -> None:
    """The project is asked with the request that is about to run."""
    stale.post(f"/kept/veto/{name}/?verdict={verdict}", FORM)
    assert go_on(stale).json()["fields"]["amount"] == ["100"]
    assert views.RAN == {"veto POST 100": 1, "kept POST": 1}


@pytest.mark.parametrize("name", VETOES_OF_EVERY_KIND)
@pytest.mark.parametrize("verdict", ["no", "zero", "empty", "one"])
def test_form_does_not_go_on_where_the_project_says_no(stale: Any, name: str, verdict: str) -> None:
    """Nor where it says something else than was agreed; the person is told, and it is used up."""
    stale.post(f"/kept/veto/{name}/?verdict={verdict}", FORM)
    location = confirm(stale)["Location"]
    answer = stale.get(location)
    assert answer.status_code == 403
    assert answer.content.startswith(b"What you sent before the code was not processed.")
    assert "no-store" in answer["Cache-Control"]
    assert stale.get(location)["Location"] == f"/kept/veto/{name}/?verdict={verdict}"
    assert views.RAN == {"veto POST 100": 1}


@pytest.mark.parametrize("name", VETOES_OF_EVERY_KIND)
def test_answer_of_the_project_takes_the_place_of_the_form(stale: Any, name: str) -> None:
    """As its own middleware before the gate would have answered a POST."""
    stale.post(f"/kept/veto/{name}/?verdict=answer", FORM)
    answer = go_on(stale)
    assert (answer.status_code, answer.content) == (503, b"closed")
    assert views.RAN == {"veto POST 100": 1}


@pytest.mark.parametrize("name", VETOES_OF_EVERY_KIND)
def test_project_is_not_asked_about_a_form_that_did_not_wait(passed: Any, name: str) -> None:
    """Its middleware has seen that one."""
    views.RAN.clear()
    assert passed.post(f"/kept/veto/{name}/?verdict=no", FORM).status_code == 200
    assert views.RAN == {"kept POST": 1}


def test_a_form_on_the_page_it_led_to_can_be_sent(stale: Any, clock: Clock) -> None:
    """To the very address, as forms without an action are; also where it is kept again."""
    stale.post("/kept/function/?a=1", FORM)
    address = confirm(stale)["Location"]
    stale.get(address)
    told = stale.post(address, {"amount": "1"}).json()
    assert (told["path"], told["query"]) == ("/kept/function/?a=1", {"a": ["1"]})
    assert told["fields"] == {"amount": ["1"]}
    clock.advance(100)
    assert_held_again(stale.post(address, {"amount": "2"}))
    told = go_on(stale).json()
    assert (told["path"], told["fields"]) == ("/kept/function/?a=1", {"amount": ["2"]})


def assert_held_again(response: Any) -> None:
    assert response["Location"] == VERIFY


def test_another_form_sent_to_that_address_is_itself(stale: Any) -> None:
    """And the one that waits goes on waiting."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    assert stale.post(address, {"amount": "9"}).json()["fields"] == {"amount": ["9"]}
    assert stale.get(address).json()["fields"]["amount"] == ["100"]


def test_a_log_out_forgets_what_was_too_large(stale: Any) -> None:
    """There is nothing to take back, and no error about it."""
    stale.post("/kept/small/", {"note": "x" * 1001})
    assert stale.post(CANCEL)["Location"] == "/login/"


def test_only_with_a_code(stale: Any) -> None:
    """The address alone, with whatever token, before the code: nothing runs."""
    stale.post("/kept/function/", FORM)
    token = stale.session["_otp_gate_kept"][3]
    assert len(token) >= 22
    address = f"/kept/function/?otp_gate_resume={token}"
    assert stale.get(address).status_code == 302
    assert not views.RAN
    assert go_on(stale).json()["method"] == "POST"


def test_only_with_a_code_that_is_fresh(stale: Any, clock: Clock) -> None:
    """Who waits too long after the code is asked again, and nothing is lost by it."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    clock.advance(100)
    response = stale.get(address)
    assert response["Location"] == "/kept/function/"
    assert_held(stale.get("/kept/function/"), "/kept/function/")
    assert not views.RAN


@pytest.mark.parametrize(
    "forged",
    ["", "x", "\u00fc", "%00", "A" * 22, "A" * 5000, "x&otp_gate_resume=y"],
)
def test_no_other_token_will_do(stale: Any, forged: str) -> None:
    """It is led out of the address, and the form still waits for its own."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    response = stale.get(f"/kept/function/?b=1&otp_gate_resume={forged}&a=2")
    assert (response.status_code, response["Location"]) == (302, "/kept/function/?b=1&a=2")
    assert not views.RAN
    assert stale.get(address).json()["method"] == "POST"


def test_no_other_address_will_do(stale: Any) -> None:
    """Nor another method, nor another host: the body goes to the view that it was sent to."""
    stale.post("/kept/function/", FORM)
    query = confirm(stale)["Location"].partition("?")[2]
    assert stale.get(f"/kept/class/?{query}")["Location"] == "/kept/class/"
    stale.get(f"/kept/function/?{query}", headers={"host": "shop.example.org"})
    for path in ("/kept/function/", "/kept/afunction/"):
        assert stale.head(f"{path}?{query}")["Location"] == path
    assert views.RAN == {}
    assert stale.get(f"/kept/function/?{query}").json()["method"] == "POST"


def test_no_other_person_will_do(
    stale: Any, alice: Any, bob: Any, settings: Any, clock: Clock
) -> None:
    """Not one whom a middleware puts into the same session, though he was verified there, too."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    session = stale.session
    marks = session["_otp_gate_verified"]
    session["_otp_gate_verified"] = {**marks, str(bob.pk): marks[str(alice.pk)]}
    session.save()
    put_around_gate(settings, before=["tests.middlewares.Swaps"])
    restarted(stale)
    assert stale.get("/secret/", headers={"x-swap": "bob"}).content == b"secret of bob"
    views.RAN.clear()
    assert stale.get(address, headers={"x-swap": "bob"}).status_code == 302
    assert not views.RAN
    assert stale.get(address).json()["user"] == "alice"


def test_no_other_session_will_do(stale: Any, bob: Any, clock: Clock) -> None:
    """The token in another browser, of the same user or of another."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    for name in ("alice", "bob"):
        other = Client()
        clock.advance(31)
        pass_gate(other, name)
        assert other.get(address)["Location"] == "/kept/function/"
    assert not views.RAN


def test_another_login_in_the_session_voids_it(stale: Any, clock: Clock) -> None:
    """Who logs in again starts anew."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    log_in(stale)
    clock.advance(31)
    stale.post(VERIFY, {"code": open_page(stale)})
    assert stale.get(address)["Location"] == "/kept/function/"
    assert not views.RAN


def test_a_log_out_forgets_what_was_not_kept(stale: Any) -> None:
    """There is nothing in Redis to forget."""
    stale.post("/kept/small/", {"note": "x" * 1001})
    assert stale.post(CANCEL)["Location"] == "/login/"
    assert stale.get(VERIFY)["Location"] == "/login/"


def test_a_token_is_nothing_to_a_page_that_is_open(held: Any) -> None:
    """An exempt view runs for the half-authenticated, whatever stands in its address."""
    assert held.get("/open/?otp_gate_resume=x").content == b"open to nobody"


@pytest.mark.parametrize("road", ["/logout/", CANCEL])
def test_a_log_out_forgets_it(stale: Any, road: str) -> None:
    """In Redis, too."""
    stale.post("/kept/function/", FORM)
    assert kept_in_redis()
    if road == "/logout/":
        confirm(stale)
    stale.post(road)
    assert not kept_in_redis()


def kept_in_redis() -> dict[str, str]:
    """Return the saved requests of the site, by name; all that belongs to them has an end."""
    client, (forms, until) = store.client("default"), saved_store.site_keys()
    found: dict[str, str] = client.hgetall(forms)
    assert {field[0] for field in found} <= set("riub")
    sealed = {field: value for field, value in found.items() if field[0] == "r"}
    assert {name[1:] for name in sealed} == set(client.zrange(until, 0, -1))
    assert int(found.get("b", 0)) == sum(map(len, sealed.values()))
    for key in (forms, until) if sealed else ():
        assert 0 < client.pttl(key) <= 900_000
    return sealed


def test_redis_holds_nothing_that_can_be_read(stale: Any) -> None:
    """Neither the form nor whose it is; and the session holds no form."""
    stale.post("/kept/function/?where=needle", {"note": "needle", "file": BytesIO(b"needle" * 9)})
    client = store.client("default")
    text = str([*client.scan_iter("*")]) + str(kept_in_redis())
    for word in ("needle", "bmVlZGxl", "alice", "kept/function"):
        assert word not in text
    assert "needle" not in str([*stale.session["_otp_gate_kept"][3:]])


def test_what_redis_holds_cannot_be_exchanged(stale: Any) -> None:
    """Whoever can write there can put no other form in its place."""
    stale.post("/kept/function/", FORM)
    client = store.client("default")
    key = saved_store.site_keys()[0]
    for field, value in client.hgetall(key).items():
        if field.startswith("r"):
            client.hset(key, field, value[:-8] + "AAAAAAA=")
    address = confirm(stale)["Location"]
    assert stale.get(address).status_code == 410
    assert not views.RAN


def test_garbage_in_redis_runs_nothing(stale: Any) -> None:
    """Not even with a 500."""
    stale.post("/kept/function/", FORM)
    client = store.client("default")
    key = saved_store.site_keys()[0]
    for field in client.hkeys(key):
        if field.startswith("r"):
            client.hset(key, field, "\u2014no base64")
    assert go_on(stale).status_code == 410
    assert not views.RAN


# The limit of the site


def verified_browsers(clock: Clock, *names: str) -> list[Client]:
    """Return a browser for each user whose code was typed in too long ago for the views."""
    browsers = []
    for name in names:
        browser = Client()
        pass_gate(browser, name)
        browsers.append(browser)
    clock.advance(100)
    views.RAN.clear()
    return browsers


def told_on_page(browser: Any) -> str:
    return str(browser.get(VERIFY).content.decode())


def test_form_beyond_the_limit_of_the_site_is_not_saved_and_its_user_is_told(
    alice: Any, bob: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Forms of other users, which were promised to go on, stay."""
    monkeypatch.setattr(saved_store, "PER_SITE", 1)
    first, second = verified_browsers(clock, "alice", "bob")
    first.post("/kept/function/", FORM)
    assert_held(second.post("/kept/function/", FORM, headers={"referer": "http://testserver/pay/"}))
    assert len(kept_in_redis()) == 1
    assert "Not kept: the saved requests of the site have reached their limit" in caplog.text
    page = told_on_page(second)
    assert "What you sent could not be kept. After the code you will have to send it again." in page
    assert confirm_with(second)["Location"] == "/pay/"
    assert not views.RAN
    assert go_on(first).json()["user"] == "alice"


def test_bytes_of_the_site_are_limited(
    alice: Any, bob: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted as they are stored, so that the limit is one of Redis's memory."""
    monkeypatch.setattr(saved_store, "BYTES_PER_SITE", 5_000)
    first, second = verified_browsers(clock, "alice", "bob")
    first.post("/kept/function/", {"note": "x" * 2_000})
    second.post("/kept/function/", {"note": "x" * 2_000})
    assert "could not be kept" in told_on_page(second)
    assert sum(len(value) for value in kept_in_redis().values()) < 5_000
    second.post("/kept/function/", {"note": "x" * 20})
    assert go_on(second).json()["fields"] == {"note": ["x" * 20]}


def test_form_that_has_expired_leaves_the_count(
    alice: Any, bob: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Redis's clock, also while another form keeps the key alive."""
    monkeypatch.setattr(saved_store, "PER_SITE", 2)
    first, second = verified_browsers(clock, "alice", "bob")
    first.post("/kept/function/", FORM)
    clock.advance(600)
    second.post("/kept/function/", {"amount": "1"})
    clock.advance(301)
    [third] = verified_browsers(clock, "alice")
    third.post("/kept/function/", {"amount": "3"})
    assert "could not be kept" not in told_on_page(third)
    assert len(kept_in_redis()) == 2


def test_form_that_goes_on_or_is_replaced_leaves_the_count(
    alice: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site at its limit takes the next form as soon as one is gone."""
    monkeypatch.setattr(saved_store, "PER_SITE", 1)
    [browser] = verified_browsers(clock, "alice")
    browser.post("/kept/function/", {"amount": "1"})
    browser.post("/kept/function/", {"amount": "2"})
    assert go_on(browser).json()["fields"] == {"amount": ["2"]}
    assert not kept_in_redis()
    clock.advance(100)
    browser.post("/kept/function/", {"amount": "3"})
    assert len(kept_in_redis()) == 1


def test_repeated_call_saves_a_form_once(alice: Any, clock: Clock) -> None:
    """The client library may repeat a script whose answer was lost."""
    for _ in range(3):
        assert saved_store.save(b"form", "1", "host/path", "token", "secret")
    assert len(kept_in_redis()) == 1
    assert saved_store.take("1", "host/path", "token", "secret") == b"form"
    assert saved_store.take("1", "host/path", "token", "secret") is None


@pytest.mark.parametrize("lost", [0, 1])
def test_key_that_was_evicted_does_not_stop_the_count(
    stale: Any, alice: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """A Redis for saved requests alone may evict one of the two: the next form is saved."""
    monkeypatch.setattr(saved_store, "BYTES_PER_SITE", 3_000)
    stale.post("/kept/function/", {"note": "x" * 1_200})
    store.client("default").delete(saved_store.site_keys()[lost])
    [browser] = verified_browsers(clock, "alice")
    browser.post("/kept/function/", {"note": "x" * 1_200})
    assert go_on(browser).json()["fields"] == {"note": ["x" * 1_200]}


@pytest.mark.one_server
def test_saving_takes_as_many_commands_with_many_forms_as_with_one(settings: Any) -> None:
    """Whoever fills the site must not make each script slow for everybody."""
    if not settings.REDIS_URL:
        pytest.skip("the fake counts no commands")
    client = store.client("default")

    def commands() -> int:
        told = client.info("commandstats")
        return sum(stat["calls"] for name, stat in told.items() if name != "cmdstat_info")

    def cost(number: int) -> int:
        before = commands()
        saved_store.save(b"form", f"user{number}", "host/path", f"token{number}", "key")
        return commands() - before

    cost(0)
    first = cost(1)
    for number in range(2, 100):
        cost(number)
    assert cost(100) == first


# A Redis of their own


@pytest.fixture
def own_cache(settings: Any) -> Any:
    """Saved requests have a cache of their own: here the same server's second database."""
    default = settings.CACHES["default"]
    if "," in default["LOCATION"]:
        pytest.skip("a cluster has one database")
    other = {**default, "LOCATION": default["LOCATION"].rpartition("/")[0] + "/1"}
    settings.CACHES = {"default": default, "forms": other}
    settings.OTP_GATE = {"SAVED_REQUESTS_CACHE": "forms"}
    yield store.client("forms")
    store.client("forms").flushdb()


def test_forms_are_saved_in_the_cache_of_their_own(own_cache: Any, stale: Any) -> None:
    """Nothing of them is where the codes are."""
    stale.post("/kept/function/", FORM)
    assert not kept_in_redis()
    assert set(own_cache.keys("*")) == set(saved_store.site_keys())
    assert go_on(stale).json()["method"] == "POST"
    assert [*own_cache.hgetall(saved_store.site_keys()[0]).items()] == [("b", "0")]


def test_log_out_deletes_the_form_in_the_cache_of_its_own(own_cache: Any, stale: Any) -> None:
    """Also there."""
    stale.post("/kept/function/", FORM)
    stale.post(CANCEL)
    assert [*own_cache.hgetall(saved_store.site_keys()[0]).items()] == [("b", "0")]


@pytest.mark.parametrize(
    "cache", [None, {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}]
)
def test_form_is_not_saved_where_its_cache_is_no_redis(
    stale: Any, settings: Any, cache: Any
) -> None:
    """A system check says so (E005); codes go on working."""
    settings.CACHES = {**settings.CACHES} | ({"forms": cache} if cache else {})
    settings.OTP_GATE = {"SAVED_REQUESTS_CACHE": "forms"}
    assert_held(stale.post("/kept/function/", FORM))
    assert "could not be kept" in told_on_page(stale)
    assert confirm_with(stale)["Location"] == "/"


# A form that does not come back


def test_form_that_cannot_be_opened_is_not_there(
    stale: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No 500: the user is told, and a reload leads to the page of the form."""
    stale.post("/kept/function/", FORM)
    client = store.client("default")
    key = saved_store.site_keys()[0]
    for field, value in client.hgetall(key).items():
        if field.startswith("r"):
            client.hset(key, field, value[:-8] + "AAAAAAA=")
    address = confirm(stale)["Location"]
    answer = stale.get(address)
    assert answer.status_code == 410
    assert answer.content.startswith(b"What you sent before the code was not found any more.")
    assert "no-store" in answer["Cache-Control"]
    assert not views.RAN
    assert "Saved request is missing or unreadable" in caplog.text
    assert stale.get(address)["Location"] == "/kept/function/"


def test_form_is_not_saved_where_the_cipher_cannot_be_imported(
    stale: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the second interpreter of one mod_wsgi process: no 500, the user is told."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    assert_held(stale.post("/kept/function/", FORM))
    assert not kept_in_redis()
    assert "could not be kept" in told_on_page(stale)


@pytest.mark.parametrize("address", ["/kept/small/", "/kept/nothing/"])
def test_what_is_too_large_is_said_to_be(stale: Any, address: str) -> None:
    """Before the code is typed; then the way leads back to the page with the form."""
    headers = {"referer": "http://testserver/pay/?for=bob#form"}
    assert_held(stale.post(address, {"note": "x" * 1001}, headers=headers))
    assert not kept_in_redis()
    page = stale.get(VERIFY).content.decode()
    assert "After the code you will have to send it again." in page
    assert "is too large to be kept" in page
    assert ("(1000\xa0bytes at most)" in page) is (address == "/kept/small/")
    assert "is kept." not in page
    assert confirm_with(stale)["Location"] == "/pay/?for=bob"
    assert not views.RAN
    assert "kept" not in str(dict(stale.session))


def confirm_with(client: Any) -> Any:
    return client.post(VERIFY, {"code": last_code()})


@pytest.mark.parametrize(
    "referer", ["", "http://evil.example/", "http://testserver/otp/", "javascript:x", "http://[x"]
)
def test_back_leads_nowhere_else(stale: Any, referer: str) -> None:
    """Where the page with the form is not known, to where a login leads."""
    stale.post(
        "/kept/small/", {"note": "x" * 1001}, headers={"referer": referer} if referer else {}
    )
    assert confirm(stale)["Location"] == "/"


def test_a_program_is_told_whether_it_is_kept(stale: Any) -> None:
    """The same in JSON."""
    stale.post("/kept/function/", FORM)
    assert stale.get(VERIFY, headers=JSON).json()["kept"] is True
    stale.post("/kept/small/", {"note": "x" * 1001})
    assert stale.get(VERIFY, headers=JSON).json()["kept"] is False
    stale.post("/kept/function/", FORM)
    open_page(stale)
    told = post_json(stale, VERIFY, {"code": last_code()}).json()
    assert told["next"].startswith("/kept/function/?otp_gate_resume=")


def test_of_two_tabs_the_last_goes_on(stale: Any) -> None:
    """And the page says so: never a body of the one for the view of the other."""
    stale.post("/kept/function/", {"amount": "first"})
    stale.post("/kept/class/", {"amount": "second"})
    assert len(kept_in_redis()) == 1
    page = stale.get(VERIFY).content.decode()
    assert "What you sent before, in another tab, is dropped" in page
    told = go_on(stale).json()
    assert (told["path"], told["fields"]) == ("/kept/class/", {"amount": ["second"]})
    assert views.RAN == {"kept POST": 1}


def test_of_two_tabs_the_one_that_could_not_be_kept_drops_the_other(stale: Any) -> None:
    """And says so: nobody is left to believe that the first one goes on."""
    stale.post("/kept/function/", {"amount": "first"})
    stale.post("/kept/small/", {"note": "x" * 1001})
    assert not kept_in_redis()
    assert "in another tab, is dropped, too." in stale.get(VERIFY).content.decode()


@pytest.mark.parametrize("view", ["function", "afunction"])
def test_what_was_given_up_does_not_go_on_later(stale: Any, clock: Clock, view: str) -> None:
    """The page of another step-up does not promise what Redis has forgotten."""
    stale.post(f"/kept/{view}/", FORM)
    assert "What you sent is kept." in stale.get(VERIFY).content.decode()
    clock.advance(901)
    assert_held(stale.get(f"/kept/{view}/", headers={"sec-fetch-dest": "iframe"}))
    assert "What you sent" not in stale.get(VERIFY).content.decode()
    assert confirm_with(stale)["Location"] == "/"


def test_one_user_keeps_only_a_few(stale: Any, settings: Any, clock: Clock) -> None:
    """Redis cannot be filled by forms of many sessions; the newest are there."""
    settings.OTP_GATE = {"SENDS": [(100, 900)]}
    browsers = [stale]
    for _ in range(5):
        other = Client()
        pass_gate(other)
        browsers.append(other)
    clock.advance(100)
    for i, browser in enumerate(browsers):
        clock.advance(1)
        browser.post("/kept/function/", {"amount": str(i)})
    assert len(kept_in_redis()) == 4
    clock.advance(31)
    assert go_on(browsers[0]).status_code == 410
    assert go_on(browsers[5]).json()["fields"] == {"amount": ["5"]}


def test_programs_and_fragments_hold_on_to_their_own(stale: Any) -> None:
    """JSON, HTMX, a frame: nothing is kept, and the answers are as ever."""
    for headers in (JSON, {"hx-request": "true"}, {"sec-fetch-dest": "iframe"}):
        stale.post("/kept/function/", FORM, headers=headers)
    post_json(stale, "/kept/function/", FORM)
    assert not kept_in_redis()


def test_nothing_is_kept_of_the_half_authenticated(held: Any) -> None:
    """A password alone stores nothing."""
    assert_held(held.post("/kept/function/", FORM))
    assert not kept_in_redis()


def test_in_report_mode_it_runs_at_once(stale: Any, settings: Any) -> None:
    """And nothing is kept."""
    settings.OTP_GATE = {"MODE": "report"}
    assert stale.post("/kept/function/", FORM).json()["method"] == "POST"
    assert not kept_in_redis()


def test_a_reload_of_the_otp_page_lets_nothing_go_on(stale: Any) -> None:
    """Nor does a link of another site: only who types the code does."""
    stale.post("/kept/function/", FORM)
    other_tab = stale.get("/kept/class/")["Location"]
    stale.get(other_tab)
    stale.post(other_tab, {"code": last_code(), "next": "/kept/class/"})
    assert stale.get(VERIFY)["Location"] == "/"
    assert not views.RAN


# Another site


@pytest.fixture(params=["wsgi", "asgi"])
def strict(request: pytest.FixtureRequest, stale_cookies: Any) -> Any:
    """A stale verified browser that checks CSRF as a real site does."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = stale_cookies
    return client if request.param == "wsgi" else AsyncBrowser(client)


@pytest.fixture
def stale_cookies(verified: Client, clock: Clock) -> Any:
    clock.advance(100)
    views.RAN.clear()
    return verified.cookies


def token_for(client: Any) -> str:
    page = client.get("/login/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("view", ["function", "afunction", "post-only", "protected"])
def test_another_site_can_leave_nothing_here(strict: Any, view: str) -> None:
    """A POST without a token is refused as ever, and nothing waits for the user's code."""
    assert strict.post(f"/kept/{view}/", FORM).status_code == 403
    assert not kept_in_redis()
    assert not views.RAN


@pytest.mark.parametrize("view", ["function", "afunction", "post-only", "protected"])
def test_a_form_with_its_token_goes_on(strict: Any, view: str) -> None:
    """Though the code has rotated the token meanwhile."""
    strict.post(f"/kept/{view}/", {**FORM, "csrfmiddlewaretoken": token_for(strict)})
    page = strict.get(VERIFY).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    answer = strict.post(VERIFY, {"code": last_code(), "csrfmiddlewaretoken": token[1]})
    assert strict.get(answer["Location"]).json()["fields"]["amount"] == ["100"]


@pytest.mark.parametrize("with_token", [True, False])
def test_without_the_middleware_the_gate_checks(
    strict: Any, settings: Any, with_token: bool
) -> None:
    """What a view would check further in, or nobody would, is kept only with a token."""
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if "Csrf" not in item]
    restarted(strict)
    for view in ("protected", "function"):
        token = {"csrfmiddlewaretoken": token_for(strict)} if with_token else {}
        assert_held(strict.post(f"/kept/{view}/", {**FORM, **token}))
        assert bool(kept_in_redis()) is with_token
    page = strict.get(VERIFY).content.decode()
    assert ("What you sent could not be kept." in page) is not with_token


def test_without_the_middleware_a_form_with_too_many_fields_is_lost(
    strict: Any, settings: Any
) -> None:
    """Its token cannot be read: no 500, and nothing is kept."""
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if "Csrf" not in item]
    restarted(strict)
    token = token_for(strict)
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    assert_held(strict.post("/kept/function/", {**FORM, "csrfmiddlewaretoken": token}))
    assert not kept_in_redis()


def test_without_the_middleware_a_form_goes_on(strict: Any, settings: Any) -> None:
    """Past the view's own check, which has been made."""
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if "Csrf" not in item]
    restarted(strict)
    strict.post("/kept/protected/", {**FORM, "csrfmiddlewaretoken": token_for(strict)})
    page = strict.get(VERIFY).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    answer = strict.post(VERIFY, {"code": last_code(), "csrfmiddlewaretoken": token[1]})
    assert strict.get(answer["Location"]).json()["method"] == "POST"
    again = strict.post("/kept/protected/", {"amount": "1"})
    assert again.status_code == 403


def test_a_view_that_needs_no_token_needs_none(strict: Any) -> None:
    """The project said so."""
    strict.post("/kept/exempt/", FORM)
    assert kept_in_redis()


# Faults


def test_where_redis_is_away_it_is_said_to_be_lost(
    stale: Any, settings: Any, no_redis: None
) -> None:
    """No 500; once Redis is back the page tells what became of the form."""
    working = settings.CACHES
    assert_held(stale.post("/kept/function/", FORM))
    assert working
    assert stale.session["_otp_gate_kept"][0] == "lost"


def test_where_redis_goes_away_the_form_waits(stale: Any, settings: Any) -> None:
    """A friendly page, and the same address works as soon as Redis is back."""
    stale.post("/kept/function/", FORM)
    address = confirm(stale)["Location"]
    working = settings.CACHES
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    response = stale.get(address)
    assert response.status_code == 503
    assert address.replace("&", "&amp;") in response.content.decode()
    assert not views.RAN
    settings.CACHES = working
    assert stale.get(address).json()["method"] == "POST"


def test_a_log_out_without_redis_is_a_log_out(stale: Any, settings: Any) -> None:
    """What cannot be deleted can be read by nobody: its key is gone with the session."""
    stale.post("/kept/function/", FORM)
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert stale.post(CANCEL).status_code == 302
    assert "_auth_user_id" not in stale.session


@pytest.mark.parametrize(
    "body",
    [b"--x\r\nbroken", b"--x\r\nContent-Disposition: form-data\r\n\r\n", b""],
)
def test_a_broken_form_is_no_500(stale: Any, body: bytes) -> None:
    """Whatever Django says of it, nothing is kept that it could not read."""
    kind = "multipart/form-data; boundary=x"
    response = stale.post("/kept/exempt/", body, content_type=kind)
    assert response.status_code in (302, 400)
    if response.status_code == 302:
        go_on(stale)


def test_a_broken_form_has_no_token(strict: Any) -> None:
    """Nobody can say whether another site has sent it."""
    kind = "multipart/form-data; boundary="
    assert strict.generic("POST", "/kept/exempt/", b"--x", kind)["Location"] == VERIFY
    assert strict.session["_otp_gate_kept"][0] == "lost"


def test_a_broken_form_that_somebody_looked_into_is_lost(stale: Any, settings: Any) -> None:
    """Django then says that it is empty: it must not go on as an empty one."""
    put_around_gate(settings, after=["tests.middlewares.ReadsForms"])
    restarted(stale)
    body = b"--x\r\nbroken"
    assert_held(stale.generic("POST", "/kept/exempt/", body, "multipart/form-data; boundary="))
    assert stale.session["_otp_gate_kept"][0] == "lost"


def test_a_form_with_too_many_fields_is_lost(stale: Any, settings: Any) -> None:
    """The site takes none of that size, and so keeps none."""
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    body = encode_multipart("x", {"a": "1", "b": "2", "c": "3"})
    response = stale.post("/kept/exempt/", body, content_type="multipart/form-data; boundary=x")
    assert_held(response)
    assert not kept_in_redis()


def test_a_body_without_a_length_is_measured(stale_cookies: Any) -> None:
    """A browser that streams its request does not say how long it is."""
    client = AsyncClient()
    client.cookies = stale_cookies
    for size, kept in ((5000, False), (100, True)):
        async_to_sync(client.request)(
            method="POST",
            path="/kept/small/",
            headers=[(b"content-type", b"text/plain")],
            _body_file=FakePayload(b"x" * size),
        )
        assert bool(kept_in_redis()) is kept
        if not kept:
            assert client.session["_otp_gate_kept"][0] == "too_large"


@pytest.mark.parametrize("boundary", ["x", ""])
def test_a_form_without_a_length_is_lost(stale_cookies: Any, boundary: str) -> None:
    """Django reads no such form, and it must not go on as an empty one."""
    client = AsyncClient()
    client.cookies = stale_cookies
    async_to_sync(client.request)(
        method="POST",
        path="/kept/function/",
        headers=[(b"content-type", b"multipart/form-data; boundary=" + boundary.encode())],
        _body_file=FakePayload(encode_multipart("x", {"amount": "1"})),
    )
    assert not kept_in_redis()
    assert client.session["_otp_gate_kept"][0] == "lost"


class Elsewhere(FileUploadHandler):
    """Sends what is uploaded to another place, as a project may."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> ContentFile:
        return ContentFile(b"", "a receipt")


def test_a_file_that_only_the_project_can_make_is_not_kept(stale: Any, settings: Any) -> None:
    """No 500, and no form that goes on with other files than were sent: it is said to be lost."""
    settings.FILE_UPLOAD_HANDLERS = ["tests.test_kept.Elsewhere"]
    assert_held(stale.post("/kept/function/", {"amount": "1", "film": BytesIO(b"film")}))
    assert not kept_in_redis()
    assert "What you sent could not be kept." in stale.get(VERIFY).content.decode()
