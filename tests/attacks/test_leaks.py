"""A-103 to A-120: what leaves the site, by page, header, log, cache, frame and report."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.views.debug import get_exception_reporter_filter
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from otp_gate import store
from tests.browsers import post_json, reference_on, status_of
from tests.clock import Clock
from tests.gates import assert_held, restarted
from tests.helpers import (
    CANCEL,
    DISOWN,
    JSON,
    LOGIN,
    PASSWORD,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    log_in,
    open_page,
    wrong_code,
)

POSTS = [VERIFY, RESEND, CANCEL, DISOWN]


def everything(response: Any) -> str:
    """Return all that an answer holds: headers, cookies and body."""
    return f"{response.headers} {response.cookies} {response.content.decode()}"


def test_a_103_no_answer_holds_the_code(half: Client, clock: Clock) -> None:
    """As page, JSON, redirect and refusal; from the first request to the last."""
    answers = [half.get(VERIFY), half.get(VERIFY, headers=JSON), half.get("/secret/")]
    first = last_code()
    answers += [half.post(VERIFY, {"code": first[::-1]}), post_json(half, VERIFY, {"code": 1})]
    clock.advance(31)
    answers += [post_json(half, RESEND), half.post(RESEND), half.post(VERIFY, {"code": first})]
    second = last_code()
    answers += [half.get(VERIFY), half.post(VERIFY, {"code": second})]
    assert answers[-1].status_code == 302
    for response in answers:
        text = everything(response)
        for code in {first, second}:
            assert code not in text
            assert f"{code[:3]} {code[3:]}" not in text


def test_a_104_right_and_wrong_take_the_same_way(half: Client) -> None:
    """The answer is looked up by its keyed digest, inside Redis: no code is compared in Python."""
    code = open_page(half)
    redis = store.client("default")
    held = str([redis.hgetall(key) for key in redis.keys("*otp_gate:*}")])
    assert code not in held
    assert re.search(r"[0-9A-Za-z_-]{16,}", held)


def test_a_105_nothing_is_logged_that_opens_anything(
    half: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Also at DEBUG; and Redis is told no name, address, session key or code."""
    with caplog.at_level(logging.DEBUG):
        code = open_page(half)
        half.post(VERIFY, {"code": wrong_code()})
        half.post(VERIFY, {"code": code})
    redis = store.client("default")
    keys = redis.keys("*otp_gate:*")
    kept = str(keys) + str(
        [
            redis.hgetall(key) if key.endswith("}") else redis.get(key)
            for key in keys
            if "{site}" not in key
        ]
    )
    secrets = [code, PASSWORD, half.cookies["sessionid"].value, "alice@example.org"]
    own = "".join(record.getMessage() for record in caplog.records if "otp" in record.name)
    for secret in secrets:
        assert secret not in own
        assert secret not in kept
    assert "alice" not in kept


def test_a_106_an_error_report_hides_the_code(half: Client, monkeypatch: Any) -> None:
    """What a mail to the administrators shows of the form."""
    code = open_page(half)
    monkeypatch.setattr("otp_gate.session.set_verified", lambda *_: 1 / 0)
    half.raise_request_exception = False
    response = half.post(VERIFY, {"code": code})
    assert response.status_code == 500
    request = response.wsgi_request
    shown = get_exception_reporter_filter(request).get_post_parameters(request)
    assert code not in str(dict(shown))


def test_a_107_a_log_line_is_one_line(half: Client, caplog: pytest.LogCaptureFixture) -> None:
    """What is typed cannot write a second one."""
    open_page(half)
    with caplog.at_level(logging.DEBUG, "otp_gate"):
        half.post(VERIFY, {"code": "1\r\nINFO ok"})
        half.get("/secret/%0d%0aINFO%20ok")
    for record in caplog.records:
        if record.name == "otp_gate":
            assert "\n" not in record.getMessage()
            assert "INFO ok" not in record.getMessage()


@pytest.fixture
def bare_site(settings: Any) -> None:
    """A site without the middleware that sets the same headers."""
    others = ("SecurityMiddleware", "XFrameOptionsMiddleware")
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if not item.endswith(others)]


@pytest.mark.parametrize("path", [VERIFY, DISOWN])
def test_a_108_no_other_site_is_told_the_address(bare_site: None, half: Client, path: str) -> None:
    """`Referer` stays on this site."""
    assert "Referrer-Policy" not in half.get("/open/")
    assert half.get(path)["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("site", ["with", "without"])
def test_a_109_another_site_can_post_nothing(
    settings: Any, alice: Any, path: str, site: str
) -> None:
    """As form and as JSON, also where the project has no CSRF middleware."""
    client = Client()
    log_in(client)
    open_page(client)
    if site == "without":
        settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "Csrf" not in m]
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = client.cookies
    assert browser.post(path, {"code": last_code()}).status_code == 403
    assert post_json(browser, path, {"code": last_code()}).status_code == 403
    assert_held(client.get("/secret/"), "/secret/")


def test_a_110_no_shared_cache_keeps_anything(settings: Any, half: Client) -> None:
    """Neither redirect nor page nor refusal is given to the next visitor."""
    settings.CACHES = {
        **settings.CACHES,
        "pages": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
    settings.CACHE_MIDDLEWARE_ALIAS = "pages"
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    half.cookies["unrelated"] = "1"
    browser = restarted(half)
    for response in (browser.get("/plain/"), browser.get(VERIFY), browser.get("/x/", headers=JSON)):
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
    stranger = Client()
    stranger.cookies["unrelated"] = "1"
    assert stranger.get("/plain/").content == b"plain"
    assert stranger.get(VERIFY)["Location"] == LOGIN


def test_a_111_the_back_button_shows_nothing(half: Client) -> None:
    """After the log-out the page is asked for again, and is a stranger's."""
    page = half.get(VERIFY)
    assert "no-store" in page["Cache-Control"]
    half.post(CANCEL)
    assert half.get(VERIFY)["Location"] == LOGIN


def test_a_112_the_page_stands_in_no_frame(bare_site: None, half: Client) -> None:
    """Also where the site allows frames of its own."""
    assert "X-Frame-Options" not in half.get("/open/")
    assert half.get(VERIFY)["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_113_only_a_post_does_anything(half: Client, method: str) -> None:
    """Mail scanners and prefetching browsers open every link there is."""
    code = open_page(half)
    link, sent = disown_link(), len(mail.outbox)
    for path in (RESEND, CANCEL, link):
        getattr(half, method)(path)
        half.get(path, headers={"sec-purpose": "prefetch"})
    assert len(mail.outbox) == sent
    assert half.post(VERIFY, {"code": code}).status_code == 302


@pytest.mark.parametrize("page", ["/open/", "/aopen/", "/open-class/"])
def test_a_114_an_open_page_sees_nobody(half: Client, page: str) -> None:
    """A careless one is then no leak."""
    assert half.get(page).content == b"open to nobody"


def test_a_115_the_destination_is_masked(half: Client) -> None:
    """Enough to know the mailbox, too little to learn it."""
    assert "alice@example.org" not in everything(half.get(VERIFY))
    assert "alice@example.org" not in str(status_of(half))


def test_a_116_two_tabs_tell_which_code_is_meant(half: Client, clock: Clock) -> None:
    """The older page's code costs no attempt, and the answer names the newer reference."""
    old = half.get(VERIFY)
    code, reference = last_code(), reference_on(old)
    clock.advance(31)
    half.post(RESEND)
    response = half.post(VERIFY, {"code": code})
    newer = reference_on(half.get(VERIFY))
    assert newer != reference
    assert newer in response.content.decode()
    assert status_of(half)["attempts_left"] == 5


def test_a_117_the_strictest_policy_breaks_nothing(half: Client) -> None:
    """No inline script or style, and nothing from elsewhere."""
    for page in (half.get(VERIFY), half.get(disown_link())):
        html = page.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
        for tag in re.findall(r"<script[^>]*>", html):
            assert 'src="/static/' in tag
        assert not re.search(r'(src|href|action)="(https?:)?//', html)


def test_a_118_a_link_cannot_be_guessed_or_used_twice(half: Client, bob: Any) -> None:
    """Signed, of one user and one login; the second use finds nothing to stop."""
    code = open_page(half)
    path, _, token = disown_link().partition("?token=")
    assert len(token.rpartition(":")[2]) >= 22  # 128 bit in base64
    stranger = Client()
    for forged in ("", "x", token[:-2], token[1:], token.swapcase(), "x" * 10_000, "\x00"):
        assert stranger.post(path, {"token": forged}).status_code == 400
    assert stranger.post(path, {"token": token}).status_code == 200
    assert stranger.post(path, {"token": token}).status_code == 400
    half.post(VERIFY, {"code": code})
    assert half.get("/secret/").content != b"secret of alice"


TYPED = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[0-9 \-]{0,12}"),
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")),
)


def test_a_120_no_input_breaks_the_page(settings: Any, half: Client) -> None:
    """Whatever is posted under whatever name: no 5xx, and nobody in."""
    settings.OTP_GATE = {"CODE_ATTEMPTS": 100}
    code = open_page(half)

    @hypothesis_settings(max_examples=150)
    @given(
        st.dictionaries(
            st.sampled_from(["code", "next", "factor", "token"]) | st.text(max_size=8), TYPED
        )
    )
    def post(fields: dict[str, str]) -> None:
        if code in str(fields):
            return
        for path in (VERIFY, DISOWN):
            response = half.post(path, fields)
            assert response.status_code < 500
            response = post_json(half, path, fields)
            assert response.status_code < 500

    post()
    assert half.get("/secret/").content != b"secret of alice"
