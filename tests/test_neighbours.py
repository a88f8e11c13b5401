"""Django's own middleware beside the gate, on either side of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests import views
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import (
    CANCEL,
    LOGIN,
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
