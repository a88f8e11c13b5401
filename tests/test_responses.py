"""The answer fits who asks: what each kind of client gets in place of the view."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import views
from tests.browsers import AsyncBrowser
from tests.gates import assert_held
from tests.helpers import VERIFY, open_page

PAGE, PROGRAM, BARE = "page", "program", "bare"

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
TURBO = "text/html, application/xhtml+xml"
CLIENTS = [
    ({}, PAGE),
    ({"accept": CHROME}, PAGE),
    ({"accept": "*/*"}, PAGE),
    ({"accept": "garbage"}, PAGE),
    ({"accept": CHROME, "sec-fetch-dest": "document", "sec-fetch-mode": "navigate"}, PAGE),
    ({"accept": CHROME, "sec-fetch-dest": "Document"}, PAGE),
    ({"accept": CHROME, "sec-fetch-dest": "empty", "sec-fetch-mode": "navigate"}, PAGE),
    ({"accept": "text/html, application/json;q=0.9"}, PAGE),
    ({"accept": "application/json"}, PROGRAM),
    ({"accept": "application/vnd.api+json"}, PROGRAM),
    ({"accept": "application/problem+json, */*;q=0.1"}, PROGRAM),
    ({"accept": "application/json, text/plain, */*"}, PROGRAM),
    ({"accept": "application/json, text/html;q=0.5"}, PROGRAM),
    ({"accept": "*/*", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}, PROGRAM),
    ({"accept": CHROME, "sec-fetch-dest": "empty"}, PROGRAM),
    ({"x-requested-with": "XMLHttpRequest"}, PROGRAM),
    ({"accept": CHROME, "x-requested-with": "xmlhttprequest"}, PROGRAM),
    ({"accept": "image/avif,image/webp,*/*"}, BARE),
    ({"accept": "text/css,*/*;q=0.1"}, BARE),
    ({"accept": "audio/webm,audio/*;q=0.9"}, BARE),
    ({"sec-fetch-dest": "image"}, BARE),
    ({"sec-fetch-dest": "script", "accept": "*/*"}, BARE),
    ({"sec-fetch-dest": "style"}, BARE),
    ({"sec-fetch-dest": "font"}, BARE),
    ({"sec-fetch-dest": "manifest"}, BARE),
    ({"sec-fetch-dest": "serviceworker", "service-worker": "script"}, BARE),
    ({"service-worker": "script", "accept": "*/*"}, BARE),
    ({"sec-fetch-dest": "json", "accept": "application/json"}, BARE),
    ({"sec-fetch-dest": "something-new"}, BARE),
    ({"sec-purpose": "prefetch", "accept": CHROME, "sec-fetch-dest": "document"}, BARE),
    ({"sec-purpose": "prefetch;prerender"}, BARE),
    ({"purpose": "prefetch", "accept": "application/json"}, BARE),
    ({"x-moz": "prefetch"}, BARE),
    ({"x-turbo-request-id": "1", "accept": TURBO, "sec-fetch-dest": "empty"}, PAGE),
    ({"x-turbo-request-id": "1", "x-sec-purpose": "prefetch", "accept": TURBO}, BARE),
]


@pytest.mark.parametrize("page", ["/secret/", "/no-such-page/"])
@pytest.mark.parametrize(("headers", "kind"), CLIENTS)
def test_each_client_gets_what_it_can_use(
    held: Any, headers: dict[str, str], kind: str, page: str, mailoutbox: Any
) -> None:
    """302 for a page, a problem document for a program, nothing for a picture; never a code."""
    response = held.get(page, headers=headers)
    assert not views.RAN
    assert not mailoutbox
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))
    if kind == PAGE:
        assert_held(response, page)
    elif kind == BARE:
        assert (response.status_code, response.content) == (403, b"")
        assert "Location" not in response
    else:
        assert response.status_code == 403
        assert response["Content-Type"] == "application/problem+json"
        assert response.json() == {
            "type": "about:blank",
            "title": "One-time password required",
            "status": 403,
            "detail": "Type in the code that was sent to you, at verify_url, then try again.",
            "code": "otp_required",
            "verify_url": VERIFY,
        }


def test_a_form_post_goes_to_the_page_and_nowhere_after(held: Any) -> None:
    """What was posted is lost, so its address is no `next`."""
    assert_held(held.post("/secret/?a=1", {"field": "value"}))


def test_who_posts_json_reads_json(held: Any) -> None:
    """A program says what it is by what it sends, with no Accept at all."""
    response = held.post("/secret/", {"a": 1}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "otp_required")
    assert not views.RAN


def test_a_head_request_is_no_next(held: Any) -> None:
    """Only a GET of a page can be gone on with."""
    assert_held(held.head("/secret/"))


def test_a_page_in_a_frame_is_no_next(held: Any) -> None:
    """Whoever types the code does not want to end in a fragment of a page."""
    assert_held(held.get("/secret/", headers={"sec-fetch-dest": "iframe"}))


def test_the_query_is_kept(held: Any) -> None:
    """The address is `next` as it was, with every character of it quoted."""
    assert_held(
        held.get("/secret/?a=1&b=%C3%A9&next=//evil.example"),
        "/secret/?a=1&b=%C3%A9&next=//evil.example",
    )


@pytest.mark.parametrize("page", ["/otp", "/otp/nothing/", "/otpx/", "/not/otp/"])
def test_what_lies_near_the_pages_is_not_theirs(held: Any, page: str) -> None:
    """Only the four addresses are the gate's own; where a slash is added to one is no way on."""
    assert_held(held.get(page), "" if page == "/otp" else page)


def test_a_long_address_is_no_next(held: Any) -> None:
    """A redirect that proxies would cut leads nowhere."""
    assert_held(held.get("/secret/?" + "a" * 2000))


# Uploads


class Unread(io.RawIOBase):
    """A body that knows whether anybody has asked for it."""

    asked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, _: Any) -> int:
        self.asked += 1
        return 0


UPLOADERS = {
    "fetch": {"sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "accept": "*/*"},
    "XMLHttpRequest": {"sec-fetch-dest": "empty", "accept": "*/*", "x-requested-with": "XMLHttpRequest"},
    "dropzone": {"accept": "application/json", "cache-control": "no-cache", "x-requested-with": "XMLHttpRequest"},
    "over plain HTTP": {"x-requested-with": "XMLHttpRequest"},
}  # fmt: skip


@pytest.mark.parametrize("kind", UPLOADERS)
def test_an_upload_is_refused_before_it_is_read(half: Client, kind: str) -> None:
    """Ten megabytes of a file, with no CSRF token: a problem document, and not a byte of it read."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = half.cookies
    body = Unread()
    response = strict.generic(
        "POST",
        "/class/",
        content_type="multipart/form-data; boundary=b",
        headers=UPLOADERS[kind],
        **{"wsgi.input": body, "CONTENT_LENGTH": str(10 * 2**20)},
    )
    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")
    assert (response.json()["code"], response.json()["verify_url"]) == ("otp_required", VERIFY)
    assert body.asked == 0
    assert not views.RAN


@pytest.mark.parametrize("kind", UPLOADERS)
def test_an_upload_arrives_whole_after_the_code(
    settings: Any, held: Any, kind: str, mailoutbox: Any
) -> None:
    """Refused on either server, without a code being sent for it; then it is the view's, whole."""
    settings.ROOT_URLCONF = "tests.urlconfs.fetches"

    def upload() -> Any:
        file = SimpleUploadedFile(
            "photo.jpg", b"x" * 3_000_000
        )  # More than Django keeps in memory.
        return held.post("/upload/", {"file": file}, headers=UPLOADERS[kind])

    refused = upload()
    assert (refused.status_code, refused.json()["code"]) == (403, "otp_required")
    assert mailoutbox == []
    held.post(VERIFY, {"code": open_page(held)})
    assert upload().json() == {"name": "photo.jpg", "size": 3_000_000}


# Frames


@pytest.mark.parametrize("dest", ["iframe", "frame", "object", "embed", "fencedframe"])
def test_a_preview_in_a_frame(settings: Any, held: Any, mailoutbox: Any, dest: str) -> None:
    """The editor's preview stays blank and sends no code; the page around it leads to the code."""
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"
    framed = {"sec-fetch-dest": dest, "sec-fetch-mode": "navigate", "accept": CHROME}
    refused = held.get("/secret/?preview=1", headers=framed)
    assert_held(refused)
    inside = held.get(refused["Location"], headers=framed)
    assert inside["X-Frame-Options"] == "DENY"
    assert mailoutbox == []
    # Nobody has used anything up: the person who opens the page is sent the first code.
    held.post(VERIFY, {"code": open_page(held)})
    preview = held.get("/secret/?preview=1", headers=framed)
    assert (preview.content, preview["X-Frame-Options"]) == (b"secret of alice", "SAMEORIGIN")


# Service workers


def test_a_service_worker_is_not_installed_or_renewed(
    settings: Any, held: Any, mailoutbox: Any
) -> None:
    """A bare refusal: a browser never follows a redirect of its script, and keeps the old one."""
    settings.ROOT_URLCONF = "tests.urlconfs.fetches"
    headers = {"service-worker": "script", "sec-fetch-dest": "serviceworker", "accept": "*/*"}
    response = held.get("/sw.js", headers=headers)
    assert (response.status_code, response.content) == (403, b"")
    assert mailoutbox == []
    held.post(VERIFY, {"code": open_page(held)})
    response = held.get("/sw.js", headers=headers)
    assert (response.status_code, response["Content-Type"]) == (200, "text/javascript")


def test_a_fetch_within_a_worker_is_a_programs(held: Any, mailoutbox: Any) -> None:
    """It learns by a problem document what is due, for no person looks at its answer."""
    inside = {"sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "accept": "*/*"}
    assert held.get("/secret/", headers=inside).json()["verify_url"] == VERIFY
    assert held.get(VERIFY, headers=inside).json()["status"] == "none"
    assert mailoutbox == []


def test_a_page_that_a_worker_loads_is_a_page(held: Any, mailoutbox: Any) -> None:
    """A worker that passes a page load on says `empty` of it; a person looks at the answer."""
    passed_on = {"sec-fetch-dest": "empty", "sec-fetch-mode": "navigate", "accept": CHROME}
    refused = held.get("/secret/", headers=passed_on)
    assert_held(refused, "/secret/")
    assert 'name="code"' in held.get(refused["Location"], headers=passed_on).content.decode()
    assert len(mailoutbox) == 1


# HTMX


@pytest.mark.parametrize(
    ("current", "target"),
    [
        ("http://testserver/secret/?page=2#top", "?next=/secret/%3Fpage%3D2"),
        ("http://testserver/", "?next=/"),
        ("https://evil.example/secret/", "?next=/secret/"),
        ("http://testserver//evil.example/", ""),
        ("http://testserver/\\evil.example", ""),
        ("//evil.example/x", "?next=/x"),
        ("javascript:alert(1)", ""),
        ("http://[evil", ""),
        ("http://testserver/otp/", ""),
        ("http://testserver/logout/", ""),
        ("", ""),
        (None, ""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_htmx_leaves_the_page_that_it_is_on(
    held: Any, current: str | None, target: str, method: str
) -> None:
    """A button leads to the OTP page as a whole, and back to its page, on this host only."""
    headers = {"hx-request": "true", "accept": "*/*", "sec-fetch-dest": "empty"}
    if current is not None:
        headers["hx-current-url"] = current
    response = held.generic(method, "/secret/", headers=headers)
    assert (response.status_code, response["HX-Redirect"]) == (403, VERIFY + target)
    assert "no-store" in response["Cache-Control"]
    assert not views.RAN


# Turbo

IN_A_FRAME = {"turbo-frame": "basket", "accept": TURBO, "sec-fetch-dest": "empty"}
A_FORM = {"accept": f"text/vnd.turbo-stream.html, {TURBO}", "sec-fetch-dest": "empty"}


@pytest.mark.parametrize(
    ("page", "target"),
    [
        ("http://testserver/shop/?page=2#top", "/shop/?page=2"),
        ("http://evil.example/x", ""),
        ("http://testserver//evil.example/", ""),
        ("http://testserver/otp/", ""),
        ("http://[evil", ""),
        ("", ""),
    ],
)
def test_turbo_comes_back_to_the_page_that_it_is_on(held: Any, page: str, target: str) -> None:
    """From a frame, which is no page, and from a form, whose body is lost."""
    assert_held(held.get("/secret/", headers={**IN_A_FRAME, "referer": page}), target)
    assert_held(held.post("/secret/", headers={**IN_A_FRAME, "referer": page}), target)
    # The page says that the form was not sent, and so it is the session that knows the way back.
    assert_held(held.post("/secret/", headers={**A_FORM, "referer": page}), "")
    answer = held.post(VERIFY, {"code": open_page(held)})
    assert answer["Location"] == (target or "/")


@pytest.mark.parametrize("headers", [IN_A_FRAME, {"x-turbo-request-id": "1", "accept": TURBO}])
def test_turbo_is_told_to_load_the_code_page_as_a_page(
    held: Any, headers: dict[str, str], mailoutbox: Any
) -> None:
    """By what it fetches nobody sees the page, so it sends no code either."""
    answer = held.get(f"{VERIFY}?next=/secret/%22%3E%3Cx", headers=headers)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert '<meta name="turbo-visit-control" content="reload">' in text
    assert 'href="/otp/?next=/secret/%22%3E%3Cx"' in text
    assert "no-store" in answer["Cache-Control"]
    assert not mailoutbox
    assert held.get(VERIFY).content.count(b'data-turbo="false"') >= 2
    assert len(mailoutbox) == 1


# Unpoly and alpine-ajax

UNPOLY = {"x-up-version": "3.14.3", "x-up-target": "#place", "accept": "*/*"}
ALPINE = {"x-alpine-request": "true", "x-alpine-target": "place other", "accept": "*/*"}
REFRESH = '<meta http-equiv="refresh" content="0; url={}">'


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("page", ["http://testserver/plain/?a=1&b=2", "http://evil.example/x", ""])
@pytest.mark.parametrize("headers", [UNPOLY, ALPINE])
def test_a_fragment_leads_to_the_page_as_a_whole(
    held: Any, headers: dict[str, str], page: str, method: str, mailoutbox: Any
) -> None:
    """In each part that the client puts in, and back to the page that it is on, on this host."""
    fetched = {**headers, "sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "referer": page}
    answer = held.generic(method, "/secret/", headers=fetched)
    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/html; charset=utf-8")
    target = "/otp/?next=/plain/%3Fa%3D1%26b%3D2" if "testserver" in page else "/otp/"
    assert text.count(REFRESH.format(target)) == (1 if headers is UNPOLY else 2)
    parts = ["<main up-main>"] if headers is UNPOLY else ['<div id="place">', '<div id="other">']
    assert all(part in text for part in parts)
    assert "no-store" in answer["Cache-Control"]
    assert not views.RAN
    assert not mailoutbox


@pytest.mark.parametrize("headers", [UNPOLY, ALPINE])
def test_a_fragment_of_the_page_for_the_code_is_none(
    held: Any, headers: dict[str, str], mailoutbox: Any
) -> None:
    """It is loaded as a page, and sends no code before."""
    answer = held.get(f"{VERIFY}?next=/plain/", headers=headers)
    assert answer.status_code == 403
    assert REFRESH.format("/otp/?next=/plain/") in answer.content.decode()
    assert not mailoutbox


def test_ids_of_a_header_are_text(held: Any) -> None:
    """They are escaped, and not without number."""
    headers = {"x-alpine-request": "true", "x-alpine-target": '"><x ' + "a " * 100}
    text = held.get("/secret/", headers=headers).content.decode()
    assert '<div id="&quot;&gt;&lt;x">' in text
    assert text.count("<div") == 20


# OpenID Connect


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("?prompt=none", True),
        ("?client_id=a&prompt=none&state=b", True),
        ("?prompt=login", False),
        ("?prompt=none&prompt=login", False),
        ("?prompt=nonesuch", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/authorize/", "/authorize/ours/", "/secret/"])
def test_a_silent_authorization_gets_its_error(
    settings: Any, half: Client, path: str, query: str, runs: bool, server: str
) -> None:
    """The provider's own view answers it, and sees nobody; no other view does."""
    settings.ROOT_URLCONF = "tests.urlconfs.authorize"
    browser = half if server == "wsgi" else AsyncBrowser(half)
    answer = browser.get(path + query, headers={"sec-fetch-dest": "iframe", "accept": CHROME})
    if runs and path != "/secret/":
        assert answer["Location"] == "https://client.example/?error=login_required"
    else:
        assert answer["Location"].startswith(VERIFY)
    post = browser.post(path + query)
    assert post["Location"].startswith(VERIFY)


# Where one goes on to


@pytest.mark.parametrize(
    "target",
    [
        *["//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil"],
        *[
            "http:evil.example",
            "https:///evil.example",
            "http://evil.example",
            "HTTP://EVIL.example",
        ],
        *["javascript:alert(1)", "data:text/html,x", "vbscript:x", "mailto:a@example.org"],
        *["/\t/evil.example", "\t//evil.example", " //evil.example"],
        *["\r\nLocation: http://evil.example", "\x00//evil.example", "\x1b//evil.example"],
        *[
            "http://testserver@evil.example/",
            "http://evil.example\\@testserver/",
            "//evil\u3002example",
        ],
        *[
            "https://testserver:443@evil.example",
            "http://testserver.evil.example/",
            "secret/",
            "?x",
        ],
        *[
            "/otp/",
            "/otp/?next=/otp/",
            "/otp/resend/",
            "/otp/cancel/",
            "/otp/disown/",
            "/logout/",
            "/admin/logout/",
        ],
        *["/" + "a" * 10_000, "", "http://[evil", "#", "ftp://testserver/secret/"],
    ],
)
@pytest.mark.parametrize("place", ["form", "query"])
def test_nobody_is_sent_elsewhere(half: Client, target: str, place: str) -> None:
    """A `next` that is not a page of this host leads to LOGIN_REDIRECT_URL."""
    code = open_page(half)
    if place == "form":
        response = half.post(VERIFY, {"code": code, "next": target})
    else:
        response = half.post(VERIFY, {"code": code}, query_params={"next": target})
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize(
    "target",
    ["/secret/", "/secret/?a=b&c=d", "/no-such-page/", "http://testserver/secret/", "/admin/#top"],
)
def test_a_page_of_this_host_is_gone_on_to(half: Client, target: str) -> None:
    """Also by its full address."""
    response = half.post(VERIFY, {"code": open_page(half), "next": target})
    assert (response.status_code, response["Location"]) == (302, target)


def test_the_form_speaks_before_the_query(half: Client) -> None:
    """Of two `next`s one is taken, and that one is validated."""
    url = VERIFY + "?next=//evil.example&next=/plain/"
    response = half.post(url, {"code": open_page(half), "next": ["/class/", "/secret/"]})
    assert response["Location"] == "/secret/"


def test_https_is_not_left(half: Client) -> None:
    """On a secure site the same host without TLS is another place."""
    code = open_page(half)
    fields = {"code": code, "next": "http://testserver/secret/"}
    assert half.post(VERIFY, fields, secure=True)["Location"] == "/"


def test_the_verified_go_on_at_once(passed: Any) -> None:
    """Who opens the page without need is sent where he wanted to go, on this host."""
    assert passed.get(VERIFY + "?next=/secret/")["Location"] == "/secret/"
    assert passed.get(VERIFY + "?next=//evil.example")["Location"] == "/"
    assert passed.get(VERIFY + "?next=/otp/")["Location"] == "/"


def test_a_setting_that_no_urlconf_knows(settings: Any, nobody: Any) -> None:
    """A LOGIN_URL that resolves nowhere leads to the root and raises nothing."""
    settings.LOGIN_URL = "no-such-name"
    assert nobody.get(VERIFY)["Location"] == "/"


def test_a_name_that_only_the_main_site_knows(settings: Any, nobody: Any) -> None:
    """Under a tenant's URLconf LOGIN_URL is looked up on the main site."""
    settings.LOGIN_URL = "plain"
    settings.MIDDLEWARE = ["tests.middlewares.Hosts", *settings.MIDDLEWARE]
    assert nobody.get(VERIFY, headers={"x-urlconf": "tenant"})["Location"] == "/plain/"


def test_a_stream_is_turned_away_as_a_program(held: Any) -> None:
    """An EventSource gets a problem document, and no page."""
    refused = held.get("/secret/", headers={"accept": "text/event-stream"})
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")


@pytest.mark.parametrize(
    ("name", "value"),
    [("x-purpose", "preview"), ("purpose", "prefetch"), ("sec-purpose", "prefetch;prerender")],
)
def test_nobody_has_asked_for_a_preview(held: Any, name: str, value: str) -> None:
    """Safari's preview, a prefetch, a prerender."""
    refused = held.get("/secret/", headers={name: value})
    assert (refused.status_code, refused.content) == (403, b"")


@pytest.mark.parametrize(
    ("accept", "sent"),
    [("text/html,*/*;q=0.8", 1), ("*/*", 0), ("text/vtt", 0), ("application/xml", 0)],
)
def test_a_code_is_sent_to_a_client_that_shows_pages(held: Any, accept: str, sent: int) -> None:
    """A tab that polls in the background sends none."""
    from django.core import mail

    assert held.get("/otp/", headers={"accept": accept}).status_code in (200, 403)
    assert len(mail.outbox) == sent
