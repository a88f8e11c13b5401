"""A-70 to A-81: codes of others, used codes, and whatever can be posted in place of one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otp_gate import codes
from tests.browsers import post_json, status_of
from tests.clock import Clock
from tests.gates import assert_held
from tests.helpers import RESEND, VERIFY, log_in, open_page, wrong_code


def new_session(name: str = "alice") -> Client:
    client = Client()
    log_in(client, name)
    return client


def is_in(client: Client) -> bool:
    return client.get("/secret/").content.startswith(b"secret of a")


def test_a_70_a_code_opens_no_other_session(half: Client) -> None:
    """Not even one of the same user that waits for a code of its own."""
    code = open_page(half)
    other = new_session()
    open_page(other)
    assert other.post(VERIFY, {"code": code}).status_code == 200
    assert not is_in(other)


def test_a_70_a_code_opens_no_session_of_the_same_place(
    half: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two sessions share a place in Redis, as by chance, neither has the code of the other."""
    monkeypatch.setattr(codes, "nonce_digest", lambda nonce, realm=None: "00000000")
    code = open_page(half)
    other = new_session()
    assert other.post(VERIFY, {"code": code}).status_code == 200
    assert not is_in(other)
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_71_a_used_code_is_used(half: Client) -> None:
    """In the session that it opened, after another login, and in any other."""
    code = open_page(half)
    half.post(VERIFY, {"code": code})
    half.post("/logout/")
    log_in(half)
    half.post(VERIFY, {"code": code})
    assert not is_in(half)
    other = new_session()
    other.post(VERIFY, {"code": code})
    assert not is_in(other)


def test_a_72_a_superseded_code_is_named_as_such(half: Client, clock: Clock) -> None:
    """It opens nothing, and costs no attempt: the person had only the wrong message before him."""
    old = open_page(half)
    clock.advance(31)
    post_json(half, RESEND)
    left = status_of(half)["attempts_left"]
    response = post_json(half, VERIFY, {"code": old})
    assert (response.status_code, response.json()["code"]) == (400, "superseded")
    assert status_of(half)["attempts_left"] == left
    assert not is_in(half)


@pytest.mark.parametrize("field", ["user", "username", "user_id", "challenge", "nonce", "email"])
def test_a_73_the_client_names_nobody(half: Client, bob: Any, field: str) -> None:
    """Alice's code in Bob's session, with every field that might say whose it is."""
    code = open_page(half)
    thief = new_session("bob")
    open_page(thief)
    for value in ("alice", "1", "alice@example.org"):
        thief.post(VERIFY, {"code": code, field: value}, query_params={field: value})
    assert thief.get("/secret/").status_code == 302
    half.post(VERIFY, {"code": code})
    assert is_in(half)


def test_a_74_a_code_goes_to_the_stored_address(half: Client, alice: Any, clock: Clock) -> None:
    """Not to one that is posted, and after a change to the new one."""
    fields = {"email": "evil@example.com", "destination": "evil@example.com"}
    half.get(VERIFY, fields)
    alice.email = "new@example.org"
    alice.save()
    clock.advance(31)
    post_json(half, RESEND, fields)
    assert [message.to for message in mail.outbox] == [["alice@example.org"], ["new@example.org"]]


@pytest.mark.parametrize(("seconds", "outcome"), [(298, 302), (301, 200)])
def test_a_75_a_code_lives_to_the_second(
    half: Client, clock: Clock, seconds: int, outcome: int
) -> None:
    """CODE_TTL, and no step of a clock cuts it."""
    code = open_page(half)
    clock.advance(seconds)
    response = half.post(VERIFY, {"code": code})
    assert response.status_code == outcome
    assert ("has expired" in response.content.decode()) == (outcome == 200)


FULL_WIDTH, ARABIC, SUPER = (
    str.maketrans("0123456789", digits)
    for digits in ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "⁰¹²³⁴⁵⁶⁷⁸⁹")
)


@pytest.mark.parametrize("table", [FULL_WIDTH, ARABIC, SUPER])
@pytest.mark.parametrize("around", ["", "\u200d", "\u200f", "\u00a0", "-"])
def test_a_76_digits_of_any_script(half: Client, table: Any, around: str) -> None:
    """Forgiven or invalid, by one attempt at most, and never a way to a second guess."""
    code = open_page(half)
    typed = around.join(code.translate(table))
    response = half.post(VERIFY, {"code": typed})
    assert response.status_code in (200, 302)
    if response.status_code == 200:
        assert status_of(half)["attempts_left"] >= 4
        half.post(VERIFY, {"code": code})
    assert is_in(half)


@pytest.mark.parametrize("form", ["{0} {1}", " {0}-{1}\t", "{0}\u2011{1}", "\n{0}{1}\r\n"])
def test_a_77_blanks_and_dashes_are_forgiven(half: Client, form: str) -> None:
    """As the mail prints it, and as a phone pastes it."""
    code = open_page(half)
    half.post(VERIFY, {"code": form.format(code[:3], code[3:])})
    assert is_in(half)


@pytest.mark.parametrize("typed", ["1e5", "+12345", "0x1F", "12345", "1234567", "-123456", "१२३"])
def test_a_77_what_is_no_code_is_invalid(half: Client, typed: str) -> None:
    """Also what a number parser would take for one."""
    open_page(half)
    assert post_json(half, VERIFY, {"code": typed}).json()["code"] == "invalid"


BODIES: list[tuple[bytes | str, str]] = [
    ("", "application/x-www-form-urlencoded"),
    ("code", "application/x-www-form-urlencoded"),
    ("code=%00", "application/x-www-form-urlencoded"),
    ("code=%ff%fe", "application/x-www-form-urlencoded"),
    (b"code=" + b"1" * 10**6, "application/x-www-form-urlencoded"),
    (b"\xff\xfe", "application/json"),
    ("--x\r\nbroken", "multipart/form-data; boundary=x"),
    ("--x", "multipart/form-data"),
    (b"code=1", "text/xml; charset=nonsense"),
    ("&".join(f"f{n}=1" for n in range(2000)), "application/x-www-form-urlencoded"),
]


@pytest.mark.parametrize(("body", "kind"), BODIES, ids=range(len(BODIES)))
def test_a_78_a_broken_body_is_an_invalid_code(half: Client, body: Any, kind: str) -> None:
    """Answered at once, in words, and nobody is in."""
    open_page(half)
    start = time.perf_counter()
    raw = body if isinstance(body, bytes) else body.encode()
    response = half.generic("POST", VERIFY, raw, content_type=kind)
    assert time.perf_counter() - start < 2
    assert response.status_code in (200, 400, 413, 415)
    assert not is_in(half)


def test_a_78_a_file_is_no_code(half: Client) -> None:
    """Also one that holds it."""
    code = open_page(half)
    response = half.post(VERIFY, {"code": SimpleUploadedFile("code", code.encode())})
    assert response.status_code == 200
    assert not is_in(half)


@pytest.mark.parametrize("number", range(8))
def test_a_79_json_holds_one_code_or_none(half: Client, number: int) -> None:
    """Lists, objects, numbers and what nests: never several guesses, and never the right one."""
    code = open_page(half)
    value: Any = [
        [code, wrong_code()],
        {"code": code},
        int("1" + code),
        None,
        True,
        [[[[code]]]],
        {"$gt": ""},
        1e300,
    ][number]
    response = post_json(half, VERIFY, {"code": value})
    assert response.json()["code"] == "invalid"
    assert status_of(half)["attempts_left"] >= 4
    assert not is_in(half)


@pytest.mark.parametrize(
    "body", ['{"code": "%s", "code": "%s"}', "[" * 100_000, '["%s"]', '"%s"', "null", "{", "NaN"]
)
def test_a_79_odd_json_is_no_second_guess(half: Client, body: str) -> None:
    """Duplicate keys, deep nesting, and what is no object."""
    open_page(half)
    text = body.replace("%s", wrong_code())
    response = half.post(VERIFY, text, content_type="application/json")
    assert response.status_code == 400
    assert status_of(half)["attempts_left"] >= 4


def test_a_80_of_two_codes_one_is_looked_at(half: Client) -> None:
    """And the other is no second guess."""
    code = open_page(half)
    body = f"code={wrong_code()}&code={wrong_code()}&code={wrong_code()}"
    half.post(VERIFY, body, content_type="application/x-www-form-urlencoded")
    assert status_of(half)["attempts_left"] == 4
    half.post(VERIFY, {"code": code})
    assert is_in(half)


def test_a_81_a_code_in_an_address_is_none(half: Client) -> None:
    """Addresses are logged: what stands there is not even looked at."""
    code = open_page(half)
    half.get(VERIFY, {"code": code})
    half.post(VERIFY, {}, query_params={"code": code})
    assert_held(half.get("/secret/"), "/secret/")
