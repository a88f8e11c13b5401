"""What people and programs send: read once, in one place, whatever its shape."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.browsers import is_in, post_json
from tests.helpers import RESEND, VERIFY, last_code, open_page


def test_a_form_and_a_json_body_say_the_same(held: Any) -> None:
    """Either opens the site."""
    code = open_page(held)
    assert held.post(VERIFY, {"code": code, "next": "/secret/"})["Location"] == "/secret/"


def test_a_json_body_with_a_charset_is_one(half: Client) -> None:
    """Parameters of the content type change nothing."""
    body = f'{{"code": "{open_page(half)}"}}'
    response = half.post(VERIFY, body, content_type="application/json; charset=utf-8")
    assert response.json()["status"] == "verified"


def test_the_last_of_two_keys_counts(half: Client) -> None:
    """Duplicate keys of a JSON object are one guess."""
    code = open_page(half)
    body = f'{{"code": "{code}", "code": "000000"}}'
    response = half.post(VERIFY, body, content_type="application/json")
    assert response.json()["attempts_left"] == 4
    assert not is_in(half)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b'{"code": "\xff"}', b"\xef\xbb\xbf{}", b"NaN", b"1e999"]
)
def test_bytes_that_are_no_text_hold_no_code(half: Client, body: bytes) -> None:
    """Whatever cannot be decoded is invalid."""
    open_page(half)
    response = half.post(VERIFY, body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_code_as_a_file_is_none(half: Client) -> None:
    """An upload is no code, whatever is in it."""
    upload = SimpleUploadedFile("code", open_page(half).encode())
    response = half.post(VERIFY, {"code": upload})
    assert "Invalid one-time password" in response.content.decode()


def test_a_code_in_a_json_query_is_ignored(half: Client) -> None:
    """The address never holds the code, for programs either."""
    code = open_page(half)
    assert post_json(half, f"{VERIFY}?code={code}").json()["code"] == "invalid"


@pytest.mark.parametrize("target", [["/secret/"], {"a": 1}, 7, None, True, ""])
def test_a_next_of_another_type_is_none(half: Client, target: object) -> None:
    """Only text can be an address."""
    code = open_page(half)
    response = post_json(half, VERIFY, {"code": code, "next": target})
    assert response.json() == {"status": "verified", "next": "/"}


def test_a_body_may_be_empty(half: Client) -> None:
    """Asking for a code needs no field."""
    response = half.post(RESEND, " ", content_type="application/json")
    assert response.status_code == 200
    assert len(mail.outbox) == 1
    assert half.post(VERIFY, {"code": last_code()}).status_code == 302
