"""Whatever is sent: no server error, nobody let in, no way off the host, one attempt at most.

Hypothesis makes the input, on WSGI and on ASGI by turns; in each test the sender has a password
and a code that is alive, so that there is something to break into.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.test import AsyncClient, Client
from hypothesis import example, given
from hypothesis import strategies as st

from otp_gate import store
from tests.helpers import JSON, VERIFY, last_code, open_page, wrong_code

ATTEMPTS = 5


class Sender:
    """A half-authenticated session, driven over WSGI or ASGI, and checked after every request."""

    def __init__(self, on_asgi: bool) -> None:
        store.client("default").flushall()
        mail.outbox.clear()
        self.browser = Client()
        self.browser.get("/magic/alice/")
        self.code = open_page(self.browser)
        self.on_asgi = on_asgi

    def send(self, method: str, path: str, body: bytes = b"", **options: Any) -> Any:
        """Send a request; `path` goes into the request as it is."""
        content_type = options.pop("content_type", "application/octet-stream")
        cookies = options.pop("cookies", {})
        client: Any = AsyncClient() if self.on_asgi else Client()
        client.cookies.load({name: m.value for name, m in self.browser.cookies.items()} | cookies)
        path, _, query = path.partition("?")
        octets = path.encode("utf-8", "surrogateescape")
        # As a server hands it over, whatever is in it.
        handed = octets.decode("utf-8", "replace") if self.on_asgi else octets.decode("latin-1")
        client._get_path = lambda parsed: handed
        response = client.generic(
            method,
            "/" + ("?" + query if query else ""),
            body,
            content_type=content_type,
            **options,
        )
        if self.on_asgi:
            response = async_to_sync(finish)(response)
        assert response.status_code < 500, response.status_code
        assert b"secret of alice" not in response.content
        for name in ("Location", "HX-Redirect"):
            if name in response:
                assert_stays_here(response[name])
        return response

    def is_still_outside(self, *, attempts: int = 1) -> None:
        """The session is where it was, and of its attempts no more are gone than this."""
        assert self.browser.get("/secret/").status_code == 302
        pending = self.browser.get(VERIFY, headers=JSON).json()
        assert pending["attempts_left"] >= ATTEMPTS - attempts


async def finish(response: Any) -> Any:
    return await response


def assert_stays_here(url: str) -> None:
    """A browser that follows this, or the `next` inside it, stays on this host."""
    for target in (url, *parse_qs(urlsplit(url).query).get("next", [])):
        # What browsers make of it: control characters vanish, a backslash is a slash.
        seen = "".join(c for c in target if c > " ").replace("\\", "/")
        parts = urlsplit(seen)
        assert parts.scheme == "", url
        assert parts.netloc in ("", "testserver"), url
        assert seen.startswith("/"), url
        assert not seen.startswith("//"), url
        assert "\n" not in target, url
        assert "\r" not in target, url


@pytest.fixture(autouse=True)
def people(alice: Any) -> None:
    """The one whose code it is about."""


ways = st.booleans()
plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
digits = st.text("0123456789٠١٢٣٤٥٦٧٨٩０１²③ -\u200b\n\0", max_size=80)
typed = st.one_of(
    digits,
    plain_text,
    st.sampled_from(["", "0" * 65, "123456" * 20_000, "12345\r\nSet-Cookie: a=b", "1e5", "१२३४५६"]),
)
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.integers(0, 999_999),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(on_asgi=ways, code=typed)
def test_nothing_typed_into_the_form_opens_or_breaks(on_asgi: bool, code: str) -> None:
    """Digits of any script, controls, a megabyte: invalid at most."""
    sender = Sender(on_asgi)
    form = "application/x-www-form-urlencoded"
    code = wrong_code() if code == sender.code else code
    response = sender.send("POST", VERIFY, urlencode({"code": code}).encode(), content_type=form)
    assert response.status_code == 200
    sender.is_still_outside()


@given(on_asgi=ways, body=st.one_of(anything, st.fixed_dictionaries({"code": anything})))
@example(True, {"code": ["right"]})
@example(False, {"code": {"code": "right"}})
@example(False, ["code", "right"])
@example(True, {"code": True, "next": ["/"], "factor": {"id": "email"}, "token": 5})
@example(True, {"code": "\ud800"})
def test_no_json_value_opens_or_breaks(on_asgi: bool, body: Any) -> None:
    """Lists, objects, numbers and null where the code belongs, also with the code in them."""
    sender = Sender(on_asgi)
    text = json.dumps(body).replace('"right"', json.dumps(sender.code)).encode()
    response = sender.send("POST", VERIFY, text, content_type="application/json", headers=JSON)
    assert response.status_code == 400
    sender.is_still_outside()


@given(
    on_asgi=ways,
    path=st.sampled_from(["/otp/", "/otp/resend/", "/otp/cancel/", "/otp/disown/"]),
    content_type=st.sampled_from(
        [
            "application/json",
            "application/json; charset=utf-16",
            "application/json; charset=no-such-thing",
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-16",
            "multipart/form-data; boundary=b",
            "multipart/form-data",
            "multipart/form-data; boundary=" + "b" * 300,
            "text/plain",
            "",
        ]
    ),
    body=st.one_of(
        st.binary(max_size=200),
        st.sampled_from(
            [
                b"",
                b"{",
                b'{"code": "\xff\xfe12"}',
                b'{"code": NaN, "code": Infinity}',
                b'{"code": ' + b"9" * 5000 + b"}",
                b"[" * 100_000,
                b'{"code":' * 20_000,
                b'{"code": "' + b"1" * 1_000_000 + b'"}',
                b"code=" + b"%31" * 300_000,
                b"&".join(b"code=000000" for _ in range(2000)),
                b"code=%ff%fe&code=%zz&code",
                b"--b\r\n",
                b"--b\r\nContent-Disposition: form-data; name=code\r\n\r\n12",
                b"--b\r\nContent-Disposition: form-data; name=code; filename=f\r\n\r\n12\r\n--b--",
                b"--b\r\nContent-Disposition: form-data; name=code\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\n!\r\n--b--",
            ]
        ),
    ),
)
def test_no_body_breaks_a_page(on_asgi: bool, path: str, content_type: str, body: bytes) -> None:
    """Broken multipart, a file as the field, bad charsets, deep nesting, on all four pages."""
    sender = Sender(on_asgi)
    sender.send("POST", path, body, content_type=content_type)
    if path != "/otp/cancel/":
        sender.is_still_outside()


@pytest.mark.parametrize("on_asgi", [False, True])
def test_one_request_is_one_attempt(on_asgi: bool) -> None:
    """Of several codes in one request one is looked at, and none in the address."""
    sender = Sender(on_asgi)
    form = "application/x-www-form-urlencoded"
    many = urlencode([("code", sender.code), *(("code", f"{i:06d}") for i in range(50))])
    sender.send("POST", VERIFY, many.encode(), content_type=form)
    sender.is_still_outside(attempts=1)
    twice = f'{{"code": "{sender.code}", "code": "{wrong_code()}"}}'.encode()
    sender.send("POST", VERIFY, twice, content_type="application/json")
    sender.is_still_outside(attempts=2)
    for method in ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"):
        sender.send(method, f"{VERIFY}?code={sender.code}")
        sender.send(method, f"{VERIFY}?code={sender.code}", content_type="application/json")
        if method not in ("POST", "GET", "HEAD"):
            sender.send(method, VERIFY, f"code={sender.code}".encode(), content_type=form)
    sender.is_still_outside(attempts=2)


header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
urls = st.sampled_from(
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%0d%0aSet-Cookie:a=b",
        "/\r\nSet-Cookie: a=b",
        "\t//evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "http:evil.example",
        "http:///evil.example",
        "https:/evil.example",
        "http://testserver@evil.example/",
        "http://testserver.evil.example/",
        "http://[::1",
        "http://[evil]/",
        "ftp://testserver/",
        "/otp/",
        "/otp/cancel/",
        "/logout/",
        "/" + "a" * 5000,
        "?next=//evil.example",
        "\0/",
        "/\ud7ff\ufffe",
    ]
)
targets = st.one_of(
    urls,
    plain_text,
    st.text("/\\@:.?#%evil[]\t\r\n\0 ", max_size=20),
    st.builds("{}{}".format, urls, plain_text),
)


@given(
    on_asgi=ways,
    path=st.sampled_from(["/secret/", "/nowhere", VERIFY, "/otp/disown/?token=x"]),
    method=st.sampled_from(["GET", "HEAD", "OPTIONS"]),
    headers=st.dictionaries(
        st.sampled_from(
            [
                *("Accept", "Accept-Language", "HX-Request", "HX-Current-URL", "Referer"),
                *("Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Purpose", "X-Requested-With"),
                *("Purpose", "X-Moz", "Service-Worker", "Origin", "Content-Type"),
                *("X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override"),
            ]
        ),
        st.one_of(
            header_text,
            urls.filter(lambda url: url.isascii() and url.isprintable()),
            st.sampled_from(
                [
                    *("true", "image", "empty", "prefetch", "XMLHttpRequest", "script", "*/*"),
                    *("application/json", "text/html;q=x, application/json", "image/*;q=", ";,;"),
                ]
            ),
        ),
        max_size=5,
    ),
)
@example(False, "/secret/", "GET", {"HX-Request": "true", "HX-Current-URL": "//evil.example/x"})
@example(True, "/secret/", "GET", {"HX-Request": "true", "HX-Current-URL": "http://[::1"})
@example(True, "/secret/", "GET", {"HX-Request": "true", "HX-Current-URL": "x:////evil.example/"})
def test_no_header_breaks_an_answer(
    on_asgi: bool, path: str, method: str, headers: dict[str, str]
) -> None:
    """The answer is chosen by headers that anybody may write."""
    sender = Sender(on_asgi)
    response = sender.send(method, path, headers=headers)
    if path in ("/secret/", "/nowhere"):
        assert response.status_code in (302, 403)
    sender.is_still_outside(attempts=0)


@given(on_asgi=ways, target=targets, as_json=st.booleans(), in_body=st.booleans())
def test_no_next_leads_off_the_host(
    on_asgi: bool, target: str, as_json: bool, in_body: bool
) -> None:
    """Not before the code, and not after the right one, wherever `next` stands."""
    sender = Sender(on_asgi)
    query = f"?next={quote(target)}"
    sender.send("GET", VERIFY + query)
    sender.send("GET", "/secret/" + query)
    sender.send("POST", "/otp/resend/" + query)
    fields = {"code": last_code(), **({"next": target} if in_body else {})}
    path = VERIFY if in_body else VERIFY + query
    if as_json:
        response = sender.send(
            "POST", path, json.dumps(fields).encode(), content_type="application/json"
        )
        assert_stays_here(response.json()["next"])
    else:
        form = "application/x-www-form-urlencoded"
        response = sender.send("POST", path, urlencode(fields).encode(), content_type=form)
        assert response.status_code == 302


@given(
    on_asgi=ways,
    cookies=st.dictionaries(
        st.sampled_from(["sessionid", "csrftoken", "messages", "otp_gate", "_otp_gate_verified"]),
        st.one_of(
            st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
            st.sampled_from(
                ["", "a" * 32, "a" * 4000, "\u00e4" * 32, "../../etc/passwd", '"\\000"']
            ),
        ),
        min_size=1,
    ),
    path=st.sampled_from(["/secret/", VERIFY]),
    method=st.sampled_from(["GET", "POST"]),
)
def test_no_cookie_opens_or_breaks(
    on_asgi: bool, cookies: dict[str, str], path: str, method: str
) -> None:
    """A made-up session is nobody's, and a made-up mark is none."""
    sender = Sender(on_asgi)
    form = "application/x-www-form-urlencoded"
    body = urlencode({"code": wrong_code()}).encode()
    sender.send(method, path, body, content_type=form, cookies=cookies)
    sender.is_still_outside()


@given(
    on_asgi=ways,
    path=st.one_of(
        st.sampled_from(
            [
                "//",
                "//secret/",
                "//evil.example/secret/",
                "/secret//",
                "/secret/\n",
                "/secret/\0",
                "/secret/%2e%2e/open/",
                "/open/../secret/",
                "/open/..;/secret/",
                "/open/%2e%2e/secret/",
                "/files/static/x",
                "/files/\r\nX: y",
                "/SECRET/",
                "/secret",
                "/otp//",
                "/otp/../secret/",
                "/otp/\n",
                "/otp",
                "/otp/cancel/x",
                "/static/../secret/",
                "/admin/",
                "/admin/login/",
                "*",
                "",
                "http://evil.example/secret/",
                "/\u00e9\u00e8/",
                "/\udc80/",
            ]
        ),
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["/", "//", "/secret/", "/open/", "/otp/", "/files/"]),
            st.text("./;\\%\n\r\0 aé?#", max_size=12),
            st.sampled_from(["", "secret/", "open/", "otp/", "/"]),
        ),
    ),
)
def test_no_path_goes_round_the_gate(on_asgi: bool, path: str) -> None:
    """Dots, doubled slashes, controls and what else servers disagree about."""
    sender = Sender(on_asgi)
    sender.send("GET", path)
    sender.send("POST", path.partition("?")[0], b"code=1", content_type="text/plain")
    assert "alice" not in sender.browser.get("/open/").content.decode()
