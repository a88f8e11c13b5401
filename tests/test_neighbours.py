"""Django's own middleware beside the gate, on either side of it."""

from __future__ import annotations

import gzip
import re
from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import views
from tests.browsers import status_of
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import (
    CANCEL,
    LOGIN,
    RESEND,
    VERIFY,
    last_code,
    log_in,
    open_page,
    pass_gate,
    wrong_code,
)

LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
REMOTE_USER = "tests.middlewares.ByHeader"
NEW_PASSWORD = ["tests.middlewares.NewPasswordFirst", "tests.middlewares.NewPasswordAtView"]


@pytest.fixture(params=["before", "after"])
def login_required(request: pytest.FixtureRequest, settings: Any) -> None:
    put_around_gate(settings, **{request.param: [LOGIN_REQUIRED]})


def test_the_page_needs_no_exemption(login_required: None, held: Any) -> None:
    """Under LoginRequiredMiddleware the whole way works, and none of it loops."""
    assert_held(restarted(held).get("/secret/"), "/secret/")
    assert held.get(VERIFY).status_code == 200
    response = held.post(VERIFY + "?next=/secret/", {"code": last_code()})
    assert response["Location"] == "/secret/"
    assert held.get("/secret/").content == b"secret of alice"


def test_strangers_are_sent_to_the_login(login_required: None, nobody: Any) -> None:
    """By LoginRequiredMiddleware from the site, and by the gate from its own page."""
    assert nobody.get("/secret/")["Location"] == f"{LOGIN}?next=/secret/"
    assert nobody.get(VERIFY)["Location"] == LOGIN
    assert nobody.get("/otp/disown/").status_code == 400


def test_exempt_is_not_public(login_required: None, held: Any) -> None:
    """Who is hidden on an exempt page is nobody to LoginRequiredMiddleware as well."""
    assert restarted(held).get("/open/")["Location"] == f"{LOGIN}?next=/open/"
    assert held.get("/reveal/").content == b"open to alice"


@pytest.fixture(params=["before", "after"])
def remote_user(request: pytest.FixtureRequest, settings: Any, alice: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.RemoteUserBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    put_around_gate(settings, **{request.param: [REMOTE_USER]})


AS_ALICE, AS_BOB = {"x-remote-user": "alice"}, {"x-remote-user": "bob"}


def test_single_sign_on_is_held(remote_user: None, nobody: Any) -> None:
    """Who is logged in by the web server types in a code too."""
    for _ in range(2):
        assert_held(nobody.get("/secret/", headers=AS_ALICE), "/secret/")
    page = nobody.get(VERIFY, headers=AS_ALICE)
    assert page.status_code == 200
    assert nobody.post(VERIFY, {"code": last_code()}, headers=AS_ALICE).status_code == 302
    assert nobody.get("/secret/", headers=AS_ALICE).content == b"secret of alice"


def test_another_remote_user_in_the_same_session_is_held(
    remote_user: None, nobody: Any, bob: Any
) -> None:
    """A changed REMOTE_USER takes nothing over from the one before."""
    nobody.get(VERIFY, headers=AS_ALICE)
    nobody.post(VERIFY, {"code": last_code()}, headers=AS_ALICE)
    assert_held(nobody.get("/secret/", headers=AS_BOB), "/secret/")
    assert_held(nobody.get("/secret/", headers=AS_ALICE), "/secret/")


def test_a_remote_user_who_is_gone_is_nobody(remote_user: None, nobody: Any) -> None:
    """Without the header the session ends, verified or not."""
    nobody.get(VERIFY, headers=AS_ALICE)
    nobody.post(VERIFY, {"code": last_code()}, headers=AS_ALICE)
    assert nobody.get("/secret/").content == b"secret of nobody"


def test_a_remote_user_under_a_policy_is_held(
    settings: Any, remote_user: None, nobody: Any
) -> None:
    """On the very request that logs him in, whichever of `user` and `auser` was set by it."""
    User.objects.update(is_staff=True)
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    assert_held(nobody.get("/secret/", headers=AS_ALICE), "/secret/")


def test_a_remote_user_whom_the_policy_lets_pass_is_served_at_once(
    settings: Any, remote_user: None, nobody: Any, bob: Any
) -> None:
    """On the request that logs in, and on the one that changes the user: no code, no redirect."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    assert nobody.get("/secret/", headers=AS_ALICE).content == b"secret of alice"
    assert nobody.get("/secret/", headers=AS_BOB).content == b"secret of bob"


@pytest.fixture
def site_cache(settings: Any) -> None:
    """The per-site cache, as Django's documentation puts it."""
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


def test_nothing_of_the_gate_is_cached(site_cache: None, held: Any) -> None:
    """Neither the redirect nor the page is kept for somebody else, or for later."""
    assert_held(restarted(held).get("/plain/"), "/plain/")
    held.cookies["unrelated"] = "1"
    assert_held(held.get("/plain/"), "/plain/")
    held.post(VERIFY, {"code": open_page(held)})
    assert held.get("/plain/").content == b"plain"
    assert held.get(VERIFY)["Location"] == "/"


def test_a_cached_page_is_gated(site_cache: None, alice: Any, nobody: Any) -> None:
    """What the cache holds for everybody is still no business of the half-authenticated."""

    assert nobody.get("/plain/").content == b"plain"
    log_in(nobody)
    views.RAN.clear()
    assert_held(nobody.get("/plain/"), "/plain/")


def test_saving_every_request(settings: Any, alice: Any, nobody: Any) -> None:
    """SESSION_SAVE_EVERY_REQUEST and the gate get along."""
    settings.SESSION_SAVE_EVERY_REQUEST = True
    pass_gate(nobody)
    assert nobody.get("/secret/").content == b"secret of alice"


@pytest.mark.parametrize("forced", NEW_PASSWORD)
def test_who_must_change_his_password_is_in_no_loop(settings: Any, held: Any, forced: str) -> None:
    """The code comes first, then the site's own demand; each page of the gate answers."""
    put_around_gate(settings, after=[forced])
    assert_held(restarted(held).get("/plain/"), "/plain/")
    assert held.get(VERIFY).status_code == 200
    assert held.post(VERIFY, {"code": wrong_code()}).status_code == 200
    assert held.post(VERIFY + "?next=/secret/", {"code": last_code()})["Location"] == "/secret/"
    assert held.get("/secret/")["Location"] == "/plain/"
    assert held.get("/plain/").content == b"plain"


@pytest.mark.parametrize("forced", NEW_PASSWORD)
def test_who_must_change_his_password_may_sign_out(settings: Any, held: Any, forced: str) -> None:
    """Never a trap, whatever stands behind the gate."""
    put_around_gate(settings, after=[forced])
    assert restarted(held).post(CANCEL)["Location"] == LOGIN
    assert held.get("/secret/").content == b"secret of nobody"


def test_the_same_demand_before_the_gate(settings: Any, held: Any) -> None:
    """Where it is made at the view, the gate's own pages answer all the same, and each once."""
    put_around_gate(settings, before=["tests.middlewares.NewPasswordAtView"])
    assert_held(restarted(held).get("/plain/"), "/plain/")
    assert held.get(VERIFY).status_code == 200
    assert held.post(VERIFY, {"code": wrong_code()}).status_code == 200
    assert held.post(RESEND).status_code == 429
    assert status_of(held)["attempts_left"] == 4
    done = held.post(VERIFY + "?next=/secret/", {"code": last_code()})
    assert done["Location"] == "/secret/"
    assert held.get("/secret/")["Location"] == "/plain/"
    assert held.get("/plain/").content == b"plain"


def test_the_same_demand_before_the_gate_lets_people_sign_out(settings: Any, held: Any) -> None:
    """Never a trap."""
    put_around_gate(settings, before=["tests.middlewares.NewPasswordAtView"])
    assert restarted(held).post(CANCEL)["Location"] == LOGIN
    assert held.get("/secret/").content == b"secret of nobody"


def test_a_demand_before_the_gate_that_leaves_its_pages_alone(settings: Any, held: Any) -> None:
    """What answers before the gate is asked must know its pages, as it knows its own."""
    put_around_gate(settings, before=["tests.middlewares.NewPasswordButNotHere"])
    assert restarted(held).get("/secret/")["Location"] == "/plain/"
    assert_held(held.get("/plain/"), "/plain/")
    done = held.post(VERIFY, {"code": open_page(held), "next": "/plain/"})
    assert done["Location"] == "/plain/"
    assert held.get("/plain/").content == b"plain"
    assert held.get("/secret/")["Location"] == "/plain/"


def test_what_refuses_before_the_gate_is_not_overruled(settings: Any, held: Any) -> None:
    """A site that shuts an address out, at the view, shuts it out of the gate's pages too."""
    put_around_gate(settings, before=["tests.middlewares.ShutsOutAtView"])
    response = restarted(held).get(VERIFY, headers={"x-shut-out": "1"})
    assert (response.status_code, response.content) == (429, b"shut out")
    assert held.get(VERIFY).status_code == 200


# Maintenance


@pytest.mark.parametrize("place", ["before", "after"])
def test_maintenance_opens_nothing(settings: Any, held: Any, mailoutbox: Any, place: str) -> None:
    """Before the gate it answers everybody; behind it those whom the gate lets pass."""
    put_around_gate(settings, **{place: ["tests.middlewares.Maintenance"]})
    settings.MAINTENANCE = True
    response = restarted(held).get("/secret/")
    if place == "before":
        assert (response.status_code, held.get(VERIFY).status_code) == (503, 503)
        assert mailoutbox == []
    else:
        assert_held(response, "/secret/")
        assert held.post(VERIFY, {"code": open_page(held)}).status_code == 302
        assert held.get("/secret/").status_code == 503
    settings.MAINTENANCE = False
    views.RAN.clear()
    if place == "before":
        assert_held(held.get("/secret/"), "/secret/")
        held.post(VERIFY, {"code": open_page(held)})
    assert held.get("/secret/").content == b"secret of alice"


# What changes answers on their way out


def test_a_condition_shows_nothing(settings: Any, held: Any, alice: Any) -> None:
    """Who knows the ETag of a page learns neither that it is the same nor that it is another."""
    settings.MIDDLEWARE = ["django.middleware.http.ConditionalGetMiddleware", *settings.MIDDLEWARE]
    other = Client()
    pass_gate(other)
    etag = other.get("/plain/")["ETag"]
    assert other.get("/plain/", headers={"if-none-match": etag}).status_code == 304
    views.RAN.clear()
    for condition in (etag, '"other"', "*"):
        response = restarted(held).get("/plain/", headers={"if-none-match": condition})
        assert_held(response, "/plain/")
        assert "ETag" not in response
        page = held.get(VERIFY, headers={"if-none-match": condition})
        assert (page.status_code, "ETag" in page) == (200, False)


def test_pages_are_packed(settings: Any, held: Any) -> None:
    """GZipMiddleware packs the gate's page like any other; a refusal stays what it is."""
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    packed = {"accept-encoding": "gzip"}
    assert_held(restarted(held).get("/secret/", headers=packed), "/secret/")
    page = held.get(VERIFY, headers=packed)
    assert page["Content-Encoding"] == "gzip"
    assert 'name="code"' in gzip.decompress(page.content).decode()
    done = held.post(VERIFY, {"code": last_code(), "next": "/secret/"}, headers=packed)
    assert done["Location"] == "/secret/"
    told = held.get("/step-up/", headers=packed)
    assert told.content == b"stepped up"


@pytest.mark.skipif(django.VERSION < (6, 0), reason="the middleware is of Django 6.0")
def test_a_content_security_policy(settings: Any, held: Any) -> None:
    """The gate's pages work under it, and carry it as every other does."""
    settings.MIDDLEWARE = [
        "django.middleware.csp.ContentSecurityPolicyMiddleware",
        *settings.MIDDLEWARE,
    ]
    settings.SECURE_CSP = {"default-src": ["'self'"], "frame-ancestors": ["'none'"]}
    policy = "default-src 'self'; frame-ancestors 'none'"
    refusal = restarted(held).get("/secret/")
    assert_held(refusal, "/secret/")
    page = held.get(VERIFY)
    assert refusal["Content-Security-Policy"] == page["Content-Security-Policy"] == policy
    text = page.content.decode()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style| style=| on\w+=|javascript:", text)


@pytest.mark.parametrize("storage", ["cookie.CookieStorage", "session.SessionStorage"])
def test_messages_wait_for_the_code(settings: Any, nobody: Any, alice: Any, storage: str) -> None:
    """What the login had to say is said once, on the first page that shows messages."""
    settings.MESSAGE_STORAGE = f"django.contrib.messages.storage.{storage}"
    settings.ROOT_URLCONF = "tests.urlconfs.neighbours"
    nobody.get("/greet/alice/")
    views.RAN.clear()
    assert_held(nobody.get("/messages/"), "/messages/")
    nobody.post(VERIFY, {"code": open_page(nobody)})
    assert nobody.get("/messages/").content == b"Welcome, alice"
    assert nobody.get("/messages/").content == b""


# Addresses


def test_a_missing_slash(held: Any) -> None:
    """APPEND_SLASH tells the half-authenticated nothing; afterwards it does what it always did."""
    assert_held(held.get("/secret"), "/secret")
    assert_held(held.get("/nothing"), "/nothing")
    done = held.post(VERIFY + "?next=/secret", {"code": open_page(held)})
    assert done["Location"] == "/secret"
    response = held.get("/secret")
    assert (response.status_code, response["Location"]) == (301, "/secret/")


def test_a_missing_slash_of_the_gates_own_page(passed: Any, nobody: Any) -> None:
    """Who types the address by hand arrives."""
    for client in (passed, nobody):
        response = client.get("/otp")
        assert (response.status_code, response["Location"]) == (301, VERIFY)


def test_a_site_that_wants_www(settings: Any, half: Client) -> None:
    """PREPEND_WWW comes first, for the gate's pages too."""
    settings.PREPEND_WWW = True
    settings.ALLOWED_HOSTS = ["testserver", "www.testserver"]
    for page in ("/secret/", VERIFY):
        response = restarted(half).get(page)
        assert (response.status_code, response["Location"]) == (301, f"http://www.testserver{page}")
    assert_held(half.get("/secret/", headers={"host": "www.testserver"}), "/secret/")
    assert half.get(VERIFY, headers={"host": "www.testserver"}).status_code == 200
    done = half.post(
        VERIFY,
        {"code": last_code(), "next": "http://www.testserver/secret/"},
        headers={"host": "www.testserver"},
    )
    assert done["Location"] == "http://www.testserver/secret/"


def test_a_site_that_wants_https(settings: Any, half: Client, mailoutbox: Any) -> None:
    """SECURE_SSL_REDIRECT comes first; no code is sent to a page that is not there."""
    settings.SECURE_SSL_REDIRECT = True
    restarted(half)
    for page in ("/secret/", VERIFY):
        response = half.get(page)
        assert (response.status_code, response["Location"]) == (301, f"https://testserver{page}")
    assert mailoutbox == []
    assert_held(half.get("/secret/", secure=True), "/secret/")
    page = half.get(VERIFY + "?next=/secret/", secure=True)
    assert page.status_code == 200
    assert "https://" in mailoutbox[-1].body
    assert "http://" not in mailoutbox[-1].body
    done = half.post(VERIFY, {"code": last_code(), "next": "/secret/"}, secure=True)
    assert done["Location"] == "/secret/"
    assert half.get("/secret/", secure=True).content == b"secret of alice"


@pytest.mark.parametrize("page", ["/open/", "/aopen/"])
def test_a_cache_keeps_an_exempt_page_apart(site_cache: None, held: Any, page: str) -> None:
    """What the half-authenticated see of it depends on who they are, and says so to caches."""
    response = restarted(held).get(page)
    assert response.content == b"open to nobody"
    assert "Cookie" in response["Vary"]
    held.post(VERIFY, {"code": open_page(held)})
    assert held.get(page).content == b"open to alice"


def test_an_exempt_page_that_asks_for_nobody_varies_by_nothing(settings: Any, held: Any) -> None:
    """The mask itself leaves no trace."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["plain"]}
    assert "Vary" not in held.get("/plain/").headers
