"""What people and programs send: read once, in one place, whatever its shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import iscoroutinefunction
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import RawPostDataException
from django.test import Client
from django.utils.decorators import sync_and_async_middleware

from otp_gate.exceptions import StoreUnavailable
from tests.browsers import is_in, post_json
from tests.gates import put_around_gate, restarted
from tests.helpers import CANCEL, DISOWN, RESEND, VERIFY, last_code, open_page


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


# What is left of the code in the request

LEFT: list[str] = []


@sync_and_async_middleware
def reporter(get_response: Any) -> Any:
    """An error reporter or a request logger: it reads all of a request that it can get."""
    if iscoroutinefunction(get_response):

        async def amiddleware(request: Any) -> Any:
            response = await get_response(request)
            LEFT.append(everything_in(request))
            return response

        return amiddleware

    def middleware(request: Any) -> Any:
        response = get_response(request)
        LEFT.append(everything_in(request))
        return response

    return middleware


def everything_in(request: Any) -> str:
    """Return what stands in form, files, body, stream and attributes of a request."""
    files = [(name, file.read()) for name, file in request.FILES.items()]
    parts: list[Any] = [request.POST, request.POST.urlencode(), files]
    with suppress(RawPostDataException):  # Of another view: it has been read as a stream.
        parts += [request.body, request.read()]
    return repr((parts, {k: v for k, v in vars(request).items() if k not in ("environ", "META")}))


def reads_body(get_response: Any) -> Any:
    """A middleware behind the gate that reads the raw body, as a logger of requests does."""

    def middleware(request: Any) -> Any:
        request.body  # noqa: B018
        return get_response(request)

    return middleware


def raises(get_response: Any) -> Any:
    """A middleware behind the gate with a bug."""

    def middleware(request: Any) -> Any:
        raise RuntimeError

    return middleware


def as_form(client: Any, url: str, code: str, **more: Any) -> Any:
    return client.post(
        url, f"code={code}&next=/plain/", "application/x-www-form-urlencoded", **more
    )


def as_multipart(client: Any, url: str, code: str, **more: Any) -> Any:
    return client.post(url, {"code": code, "next": "/plain/"}, **more)


def as_file(client: Any, url: str, code: str, **more: Any) -> Any:
    upload = SimpleUploadedFile("code", code.encode())
    return client.post(url, {"code": upload, "next": "/plain/"}, **more)


def as_json(client: Any, url: str, code: str, **more: Any) -> Any:
    return post_json(client, url, {"code": code, "next": "/plain/"}, **more)


def as_broken_json(client: Any, url: str, code: str, **more: Any) -> Any:
    return client.post(url, f'{{"code": "{code}"', "application/json", **more)


def as_text(client: Any, url: str, code: str, **more: Any) -> Any:
    return client.post(url, f"code={code}", "text/plain", **more)


def by_put(client: Any, url: str, code: str, **more: Any) -> Any:
    body = json.dumps({"code": code}).encode()
    return client.generic("PUT", url, body, "application/json", **more)


WAYS = [as_form, as_multipart, as_file, as_json, as_broken_json, as_text, by_put]


@pytest.fixture
def watched(settings: Any) -> list[str]:
    """What the outermost middleware finds in each request that has been answered."""
    settings.MIDDLEWARE = [f"{__name__}.reporter", *settings.MIDDLEWARE]
    LEFT.clear()
    return LEFT


@pytest.mark.parametrize("behind", ["nothing", "reads_body"])
@pytest.mark.parametrize("url", [VERIFY, RESEND, CANCEL, DISOWN])
@pytest.mark.parametrize("way", WAYS)
def test_request_holds_no_code_after_the_page(
    watched: list[str], held: Any, settings: Any, way: Callable[..., Any], url: str, behind: str
) -> None:
    """However it was sent, and whatever the page said to it."""
    if behind == "reads_body":
        put_around_gate(settings, after=[f"{__name__}.{behind}"])
    code = open_page(restarted(held))
    watched.clear()
    way(held, url, code)
    [left] = watched
    assert code not in left


@pytest.mark.parametrize("way", [as_form, as_multipart])
def test_rest_of_the_form_stays(watched: list[str], held: Any, way: Callable[..., Any]) -> None:
    """A report may still say what was sent, but for the code."""
    code = open_page(held)
    assert way(held, VERIFY, code).status_code == 302
    assert "'code': ['********************']" in watched[-1]
    assert "'next': ['/plain/']" in watched[-1]


@pytest.mark.parametrize("way", WAYS)
def test_no_code_is_left_where_the_form_is_refused(
    alice: Any, watched: list[str], way: Callable[..., Any]
) -> None:
    """By the CSRF check, for which the form is read."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    code = open_page(client)
    way(client, VERIFY, code)
    assert code not in watched[-1]


@pytest.mark.parametrize("way", WAYS)
def test_no_code_is_left_while_redis_is_away(
    watched: list[str], held: Any, way: Callable[..., Any]
) -> None:
    """The code may still be used, later."""
    code = open_page(held)
    with mock.patch("otp_gate.store.run", side_effect=StoreUnavailable("away")):
        way(held, VERIFY, code)
    assert code not in watched[-1]


@pytest.mark.parametrize("way", WAYS)
def test_no_code_is_left_where_the_page_is_not_reached(
    watched: list[str], held: Any, settings: Any, way: Callable[..., Any]
) -> None:
    """A middleware behind the gate raises: what stands before the gate finds no code."""
    code = open_page(held)
    put_around_gate(settings, after=[f"{__name__}.raises"])
    getattr(held, "client", held).raise_request_exception = False
    way(restarted(held), VERIFY, code)
    assert code not in watched[-1]


def test_form_of_too_many_fields_leaves_no_code(watched: list[str], half: Client) -> None:
    """A form that Django refuses to read is refused as anywhere, and not kept."""
    code = open_page(half)
    body = f"code={code}&" + "&".join(f"a{i}=1" for i in range(1500))
    response = half.post(VERIFY, body, "application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert code not in watched[-1]


def test_form_of_another_view_is_left_alone(watched: list[str], passed: Any, settings: Any) -> None:
    """A field of that name on a page of the site is the site's."""
    as_multipart(restarted(passed), "/plain/", "135790")
    assert "135790" in watched[-1]
