"""The first door: what a half-authenticated session gets, wherever it knocks."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.flatpages.models import FlatPage
from django.contrib.redirects.models import Redirect
from django.contrib.sites.models import Site
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from otp_gate.signals import request_refused
from tests import views
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import PASSWORD, VERIFY, log_in, open_page, pass_gate

PAGES = [
    "/",
    "/login/",
    "/secret/",
    "/asecret/",
    "/class/",
    "/aclass/",
    "/plain/",
    "/step-up/",
    "/files/deep/down",
    "/named/one/",
    "/admin/",
    "/admin/login/",
    "/admin/jsi18n/",
    "/admin/password_change/",
    "/no-such-page/",
    "/secret",
    "/SECRET/",
    "/favicon.ico",
    "/static/no-such-file.css",
    "/otp",
    "/otp/no-such-page/",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_password_alone_opens_nothing(held: Any, page: str) -> None:
    """Every path is shut, known or not, and leads back to itself, but for the login and this page."""
    assert_held(held.get(page), "" if page in ("/login/", "/otp") else page)


@pytest.mark.parametrize("page", ["/", "/secret/", "/asecret/", "/class/", "/aclass/", "/plain/"])
def test_the_code_opens_everything(passed: Any, page: str) -> None:
    """After the code nothing of the gate is left to see."""
    response = passed.get(page)
    assert response.status_code == 200
    assert "Location" not in response


@pytest.mark.parametrize("page", ["/", "/secret/", "/asecret/", "/class/", "/aclass/", "/plain/"])
def test_who_is_not_logged_in_is_not_the_gates_business(nobody: Any, page: str) -> None:
    """Views without `login_required` stay public."""
    assert nobody.get(page).status_code == 200


@pytest.mark.parametrize(
    "method",
    ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "post", "PROPFIND", "BREW"],
)
@pytest.mark.parametrize("page", ["/secret/", "/class/", "/no-such-page/"])
def test_no_method_gets_past(held: Any, method: str, page: str) -> None:
    """Nothing is decided on the method; only a GET is kept for afterwards."""
    assert_held(held.generic(method, page))
    assert_held(held.generic(method, page, headers={"x-http-method-override": "GET"}))


@pytest.mark.parametrize(
    "path",
    [
        *["//secret/", "/secret//", "/./secret/", "/open/../secret/", "/secret/..;/", "/secret/;x"],
        *[
            "/secret/\n",
            "/secret/\0",
            "/secret/\t",
            "/secret/\u200b",
            "/\u2025/secret/",
            "/%73ecret/",
        ],
        *["\\secret\\", "/secret/?", "/ſecret/", "*", ""],
    ],
)
def test_no_spelling_of_a_path_gets_past(half: Client, path: str) -> None:
    """A path that servers and views may read differently is as shut as any."""
    response = half.get("/", PATH_INFO=path.encode().decode("latin-1"))
    assert response.status_code == 302
    assert response["Location"].startswith(VERIFY)
    assert not views.RAN


@pytest.mark.parametrize("path", [b"/secret/\xff", b"/\xc0\xaf/secret/", b"/\xed\xa0\x80"])
def test_a_path_that_is_no_text_is_no_error(half: Client, path: bytes) -> None:
    """What is not UTF-8 is turned away like anything else."""
    response = half.get("/", PATH_INFO=path.decode("latin-1"))
    assert (response.status_code, views.RAN.total()) == (302, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-original-url": "/open/"},
        {"x-rewrite-url": "/open/"},
        {"x-forwarded-prefix": "/open"},
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-proto": "https"},
        {"forwarded": "for=127.0.0.1;host=evil.example"},
        {"accept": "text/html" + ";q=0.1" * 2000},
        {"accept": "text/html;a*=nope''x,application/json;q=0.5"},
        {"accept": "///;;;,,\x7f"},
        {"sec-fetch-dest": "document"},
        {"user-agent": "Googlebot"},
    ],
)
def test_no_header_gets_past(held: Any, headers: dict[str, str]) -> None:
    """What a client or a proxy says of the request opens nothing and is not repeated."""
    assert_held(held.get("/secret/", headers=headers), "/secret/")


def test_a_forged_host_is_not_repeated(half: Client) -> None:
    """Django refuses it; the gate neither stumbles over it nor sends anybody there."""
    response = half.get("/secret/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "Location" not in response


def test_a_body_is_not_read(half: Client) -> None:
    """Ten megabytes are turned away before they are read."""

    class Unread:
        def read(self, *args: Any) -> bytes:
            raise AssertionError("The body was read.")

        readline = read

    request = {"wsgi.input": Unread(), "CONTENT_LENGTH": "10000000", "REQUEST_METHOD": "POST"}
    assert_held(half.get("/secret/", **request))


def test_the_admin_changes_nothing(admin_user: Any, alice: Any) -> None:
    """A password alone neither deletes nor changes a row through the admin."""
    client = Client()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    assert_held(client.post(f"/admin/auth/user/{alice.pk}/change/", {"username": "mallory"}))
    action = {"action": "delete_selected", "_selected_action": alice.pk, "post": "yes"}
    assert_held(client.post("/admin/auth/user/", action))
    assert User.objects.filter(username="alice").exists()


# What answers without a view


@pytest.fixture
def fallbacks(settings: Any) -> None:
    """Flatpages and redirects, at the end of MIDDLEWARE as their documentation has it."""
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
        "django.contrib.redirects.middleware.RedirectFallbackMiddleware",
    ]


def test_fallbacks_answer_after_the_code_only(fallbacks: None, held: Any) -> None:
    """What answers for a 404 is gated like any view: flatpages, and rows of the redirects."""
    Redirect.objects.create(site=Site.objects.get(), old_path="/old/", new_path="/secret/")
    page = FlatPage.objects.create(url="/flat/", title="Flat", content="flat secret")
    page.sites.add(Site.objects.get())
    assert_held(restarted(held).get("/old/"), "/old/")
    assert_held(held.get("/flat/"), "/flat/")
    held.post(VERIFY, {"code": open_page(held)})
    assert held.get("/old/")["Location"] == "/secret/"
    assert b"flat secret" in held.get("/flat/").content


def test_a_middleware_that_answers_by_itself_is_gated(settings: Any, held: Any) -> None:
    """Whatever stands further in than the gate is behind it."""
    put_around_gate(settings, after=["tests.middlewares.Answers"])
    assert_held(restarted(held).get("/answered/"), "/answered/")


def test_a_middleware_that_answers_by_itself_answers_the_verified(
    settings: Any, passed: Any
) -> None:
    """And answers as ever after the code."""
    put_around_gate(settings, after=["tests.middlewares.Answers"])
    assert restarted(passed).get("/answered/").content == b"answered"


# The mark


def test_another_browser_of_the_same_user_is_held(passed: Any, alice: Any) -> None:
    """The code opens one session, not one user."""
    other = Client()
    log_in(other)
    assert_held(other.get("/secret/"), "/secret/")
    assert passed.get("/secret/").status_code == 200


def test_an_old_session_key_is_nobody(half: Client) -> None:
    """The key is cycled with the code: who had planted or copied it is left with nothing."""
    before = half.cookies["sessionid"].value
    code = open_page(half)
    csrf = half.cookies["csrftoken"].value
    half.post(VERIFY, {"code": code})
    assert half.cookies["sessionid"].value != before
    assert half.cookies["csrftoken"].value != csrf
    thief = Client()
    thief.cookies["sessionid"] = before
    assert thief.get("/secret/").content == b"secret of nobody"


def test_a_client_cannot_mark_itself(held: Any) -> None:
    """Nothing that a client sends is taken for a mark."""
    forged = {"_otp_gate_verified": '{"1": [9e9, "email"]}', "otp_gate": "verified"}
    for name, value in forged.items():
        held.cookies[name] = value
    assert_held(held.post("/secret/", forged, headers={"x-otp-gate": "verified"}))


@pytest.mark.parametrize("path", ["/secret/", VERIFY, "/open/"])
def test_a_half_authenticated_session_ends_by_itself(held: Any, clock: Clock, path: str) -> None:
    """After PENDING_TTL it is logged out, and the request goes on as a stranger's."""
    clock.advance(899)
    assert held.get("/status/").json()["status"] == "exempt"
    clock.advance(2)
    response = held.get(path)
    assert response.headers.get("Location", "").startswith("/otp/") is False
    assert held.get("/status/").json()["status"] == "anonymous"
    assert held.cookies["sessionid"].value == ""


def test_a_verified_session_stays_verified(passed: Any, clock: Clock) -> None:
    """With no VERIFIED_TTL a session is verified for as long as it lives."""
    clock.advance(13 * 86_400)
    assert passed.get("/secret/").status_code == 200


def test_a_verified_session_may_have_an_end(settings: Any, passed: Any, clock: Clock) -> None:
    """After VERIFIED_TTL the code is asked for again; the session itself goes on."""
    settings.OTP_GATE = {"VERIFIED_TTL": 3600}
    clock.advance(3599)
    assert passed.get("/plain/").status_code == 200
    views.RAN.clear()
    clock.advance(2)
    assert_held(passed.get("/secret/"), "/secret/")
    assert passed.post(VERIFY, {"code": open_page(passed)}).status_code == 302
    assert passed.get("/secret/").content == b"secret of alice"


def test_a_session_from_before_the_gate_is_held(alice: Any, client: Client, clock: Clock) -> None:
    """Who was logged in when the gate was installed is asked, with a full PENDING_TTL."""
    log_in(client)
    session = client.session
    del session["_otp_gate_pending"]
    session.save()
    clock.advance(1000)
    assert_held(client.get("/secret/"), "/secret/")
    clock.advance(800)
    assert_held(client.get("/secret/"), "/secret/")
    clock.advance(101)
    assert client.get("/secret/").content == b"secret of nobody"


# MODE


def test_report_mode_lets_through_and_tells(
    settings: Any, alice: Any, nobody: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A roll-out: decided, logged and signalled, but nobody is stopped or logged out."""
    settings.OTP_GATE = {"MODE": "report"}
    told: list[bool] = []

    def listen(*, enforced: bool, **_: Any) -> None:
        told.append(enforced)

    request_refused.connect(listen)
    log_in(nobody)
    with caplog.at_level("INFO", logger="otp_gate"):
        assert nobody.get("/secret/").content == b"secret of alice"
    request_refused.disconnect(listen)
    assert told == [False]
    assert [record.getMessage() for record in caplog.records] == [
        "Would turn away: half-authenticated"
    ]
    assert nobody.get("/open/").content == b"open to alice"
    assert nobody.get("/step-up/").content == b"stepped up"


def test_report_mode_still_knows_the_verified(settings: Any, alice: Any, nobody: Any) -> None:
    """Who wants to may type in a code already, and is then not reported."""
    settings.OTP_GATE = {"MODE": "report"}
    pass_gate(nobody)
    assert nobody.get("/status/").json()["status"] == "verified"


def test_report_mode_ends_nobodys_session(
    settings: Any, alice: Any, client: Client, clock: Clock
) -> None:
    """PENDING_TTL starts to count on the day the gate is enforced."""
    settings.OTP_GATE = {"MODE": "report"}
    log_in(client)
    clock.advance(10_000)
    assert client.get("/secret/").content == b"secret of alice"
    settings.OTP_GATE = {"MODE": "enforce"}
    views.RAN.clear()
    assert_held(client.get("/secret/"), "/secret/")


def test_a_refusal_is_logged_and_signalled(held: Any, caplog: pytest.LogCaptureFixture) -> None:
    """By name and with the request, at the level of what is daily."""
    told: list[bool] = []

    def listen(*, enforced: bool, **_: Any) -> None:
        told.append(enforced)

    request_refused.connect(listen)
    with caplog.at_level("INFO", logger="otp_gate"):
        held.get("/secret/")
    request_refused.disconnect(listen)
    assert told == [True]
    assert caplog.messages.count("Turned away: half-authenticated") == 1


# Set up wrong


@pytest.mark.parametrize(
    "first",
    [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
)
def test_a_gate_that_stands_too_early_says_so(settings: Any, nobody: Any, first: str) -> None:
    """Never silently open: the error names the line to move."""
    gate = "otp_gate.middleware.OTPGateMiddleware"
    rest = [line for line in settings.MIDDLEWARE if line != gate]
    place = rest.index(first)
    settings.MIDDLEWARE = [*rest[:place], gate, *rest[place:]]
    with pytest.raises(ImproperlyConfigured, match=f"move '{gate}' below .*'{first}'"):
        restarted(nobody).get("/plain/")


@pytest.mark.parametrize("kind", [tuple, list])
def test_middleware_may_be_a_tuple(settings: Any, held: Any, kind: Any) -> None:
    """As in settings of Django 1.9."""
    settings.MIDDLEWARE = kind(settings.MIDDLEWARE)
    assert_held(restarted(held).get("/secret/"), "/secret/")


def test_a_wrong_setting_serves_nothing(settings: Any, verified: Client) -> None:
    """Neither with the gate open nor with it shut: the server does not start."""
    settings.OTP_GATE = {"CODE_TLL": 60}
    with pytest.raises(ImproperlyConfigured, match="did you mean 'CODE_TTL'"):
        restarted(verified).get("/plain/")


def test_a_site_without_the_pages_is_shut(settings: Any, held: Any) -> None:
    """A bare refusal where there is nowhere to send anybody; never an error, never open."""
    settings.ROOT_URLCONF = "tests.urlconfs.without_pages"
    response = held.get("/secret/")
    assert (response.status_code, response.content, views.RAN.total()) == (403, b"", 0)


def test_a_renamed_session_cookie(settings: Any, alice: Any, nobody: Any) -> None:
    """The session is asked, not a cookie by its usual name."""
    settings.SESSION_COOKIE_NAME = "crumb"
    log_in(nobody)
    assert "sessionid" not in nobody.cookies
    assert_held(nobody.get("/secret/"), "/secret/")
    nobody.post(VERIFY, {"code": open_page(nobody)})
    assert nobody.get("/secret/").content == b"secret of alice"


def test_a_site_below_a_prefix(settings: Any, alice: Any, client: Client) -> None:
    """Under FORCE_SCRIPT_NAME every address of the gate carries the prefix, and none loops."""
    settings.FORCE_SCRIPT_NAME = "/app"
    set_script_prefix("/app/")
    settings.LOGIN_REDIRECT_URL = "/app/"
    log_in(client)
    response = client.get("/secret/")
    assert response["Location"] == "/app/otp/?next=/app/secret/"
    assert client.get("/otp/")["Cache-Control"]
    response = client.post("/otp/?next=/app/secret/", {"code": open_page(client)})
    assert response["Location"] == "/app/secret/"
    assert client.get("/otp/?next=/app/otp/")["Location"] == "/app/"
    assert client.get("/otp/?next=/other/")["Location"] == "/other/"
    clear_script_prefix()
