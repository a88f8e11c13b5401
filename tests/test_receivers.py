"""Every road that ends in a login ends half-authenticated, and every log-out ends it."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from otp_gate.receivers import begin_login, discard_challenge
from tests import views
from tests.browsers import redis_commands
from tests.gates import assert_held
from tests.helpers import PASSWORD, VERIFY, log_in, open_page


def by_login_view(client: Any, user: Any) -> None:
    log_in(client, user.username)


def by_admin(client: Any, user: Any) -> None:
    fields = {"username": user.username, "password": PASSWORD}
    assert client.post("/admin/login/", fields).status_code == 302


def by_second_admin(client: Any, user: Any) -> None:
    fields = {"username": user.username, "password": PASSWORD}
    assert client.post("/second-admin/login/", fields).status_code == 302


def by_magic_link(client: Any, user: Any) -> None:
    assert client.get(f"/magic/{user.username}/").status_code == 302


def by_async_magic_link(client: Any, user: Any) -> None:
    assert client.get(f"/amagic/{user.username}/").status_code == 200


def by_password_reset(client: Any, user: Any) -> None:
    """The link of Django's mail, with `post_reset_login=True`."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    response = client.get(f"/reset/{uid}/{token}/")
    fields = {"new_password1": "new horse 1", "new_password2": "new horse 1"}
    response = client.post(response["Location"], fields)
    assert (response.status_code, response["Location"]) == (302, "/secret/")


def by_force_login(client: Any, user: Any) -> None:
    if isinstance(client, Client):
        client.force_login(user)
    else:
        async_to_sync(client.client.aforce_login)(user)


ROADS = [
    by_login_view,
    by_admin,
    by_second_admin,
    by_magic_link,
    by_async_magic_link,
    by_password_reset,
    by_force_login,
]


@pytest.mark.parametrize("road", ROADS)
def test_every_road_ends_before_the_gate(
    settings: Any, nobody: Any, admin_user: Any, road: Any
) -> None:
    """Whoever logs in, and however, types in a code before he sees anything."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    road(nobody, admin_user)
    for page in ("/secret/", "/admin/", "/second-admin/", "/admin/auth/user/"):
        assert_held(nobody.get(page), page)
    nobody.post(VERIFY, {"code": open_page(nobody)})
    assert nobody.get("/secret/").content == b"secret of root"
    assert nobody.get("/second-admin/").status_code == 200


AGAIN = [by_magic_link, by_async_magic_link, by_force_login]


@pytest.mark.parametrize("road", AGAIN)
def test_the_same_user_logged_in_again_is_held_again(
    settings: Any, passed: Any, alice: Any, road: Any
) -> None:
    """Django keeps the session in that case; the mark does not outlive the login."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    road(passed, alice)
    assert_held(passed.get("/secret/"), "/secret/")


@pytest.mark.parametrize("road", AGAIN)
def test_another_user_in_the_same_session_is_held(
    settings: Any, passed: Any, bob: Any, road: Any
) -> None:
    """Neither has the first one's mark, nor has he left it for when he comes back."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    road(passed, bob)
    assert_held(passed.get("/secret/"), "/secret/")
    road(passed, type(bob).objects.get(username="alice"))
    assert_held(passed.get("/secret/"), "/secret/")


def test_a_user_id_changed_in_the_session_is_held(verified: Client, bob: Any) -> None:
    """As some tools switch users with no login: the mark names whom it is of."""
    session = verified.session
    session[SESSION_KEY] = str(bob.pk)
    session.save()
    assert_held(verified.get("/secret/"), "/secret/")


def test_a_login_carries_an_anonymous_session_over(client: Client, alice: Any) -> None:
    """What a stranger's session held is kept, as without the gate, by password and by code."""
    client.get("/magic/alice/")
    session = client.session
    session["basket"] = ["cheese"]
    session.save()
    client.post(VERIFY, {"code": open_page(client)})
    assert client.session["basket"] == ["cheese"]


@pytest.mark.parametrize("url", ["/logout/", "/otp/cancel/"])
def test_a_log_out_ends_it(passed: Any, url: str) -> None:
    """And the next login is asked again."""
    passed.post(url)
    assert passed.get("/secret/").content == b"secret of nobody"
    views.RAN.clear()
    log_in(passed)
    assert_held(passed.get("/secret/"), "/secret/")


def test_a_code_does_not_outlive_its_login(held: Any, alice: Any) -> None:
    """Half, sign out, log in: the first login's code opens nothing."""
    code = open_page(held)
    held.post("/otp/cancel/")
    log_in(held)
    held.post(VERIFY, {"code": code})
    assert_held(held.get("/secret/"), "/secret/")


def test_a_log_out_takes_the_code_out_of_redis(half: Client) -> None:
    """Nothing waits in Redis for somebody to find it; who had nothing pending costs no command."""
    code = open_page(half)
    half.post(VERIFY, {"code": code})
    with redis_commands() as seen:
        half.post("/logout/")
    assert not seen
    log_in(half)
    open_page(half)
    with redis_commands() as seen:
        half.post("/otp/cancel/")
    assert len(seen) == 1


def test_a_log_out_without_redis(no_redis: None, half: Client) -> None:
    """A log-out never fails."""
    assert half.post("/otp/cancel/")["Location"] == "/login/"
    assert half.get("/secret/").content == b"secret of nobody"


def test_a_deleted_user_gets_no_page(held: Any, alice: Any) -> None:
    """He is turned away, and the OTP page sends him to the login; his session is gone."""
    alice.delete()
    assert_held(held.get("/secret/"), "/secret/")
    assert held.get(VERIFY)["Location"] == "/login/"
    assert held.get("/secret/").content == b"secret of nobody"
    assert not Session.objects.exists()


def test_a_user_switched_off_after_the_code_is_nobody(passed: Any, alice: Any) -> None:
    """As without the gate."""
    type(alice).objects.update(is_active=False)
    assert passed.get("/secret/").content == b"secret of nobody"
    assert passed.get("/asecret/").content == b"secret of nobody"


def test_a_new_password_ends_other_sessions(passed: Any, alice: Any) -> None:
    """As without the gate: verified or not, a session of the old password is nobody's."""
    alice.set_password("another horse")
    alice.save()
    assert passed.get("/secret/").content == b"secret of nobody"
    assert passed.get("/asecret/").content == b"secret of nobody"


TOKENS = ["/token/bob/", "/atoken/bob/", "/drf-token/bob/"]


@pytest.mark.parametrize("url", TOKENS)
@pytest.mark.parametrize("policy", ["everyone", "staff"])
def test_token_request_leaves_no_session(
    settings: Any, nobody: Any, bob: Any, url: str, policy: str
) -> None:
    """The signal of a login that wrote no session stores none, and sets no cookie."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    settings.OTP_GATE = {"POLICY": f"otp_gate.policy.{policy}"}
    response = nobody.post(url)
    assert b"a token" in response.content
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")
    assert not Session.objects.exists()


@pytest.mark.parametrize("url", TOKENS)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_token_of_another_user_keeps_the_session_verified(
    settings: Any, passed: Any, bob: Any, url: str, method: str
) -> None:
    """A token for Bob, asked for or ended in Alice's browser, is no login of Alice."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    before = dict(passed.session.items())
    response = passed.generic(method, url)
    assert b"a token" in response.content
    assert not response.cookies
    assert dict(passed.session.items()) == before
    assert passed.get("/secret/").content == b"secret of alice"


@pytest.mark.parametrize("url", TOKENS)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_token_of_another_user_keeps_the_code_alive(
    settings: Any, held: Any, bob: Any, url: str, method: str
) -> None:
    """The code that Alice waits for stays in Redis, and her session stays half-authenticated."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    code = open_page(held)
    held.generic(method, url)
    assert_held(held.get("/secret/"), "/secret/")
    assert held.post(VERIFY, {"code": code}).status_code == 302
    assert held.get("/secret/").content == b"secret of alice"


@pytest.mark.parametrize("url", ["/token/alice/", "/atoken/alice/", "/drf-token/alice/"])
def test_login_signal_of_the_same_user_holds_the_session(
    settings: Any, passed: Any, url: str
) -> None:
    """The gate cannot tell this from a second login of that user, and refuses."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    passed.post(url)
    assert_held(passed.get("/secret/"), "/secret/")


def test_login_without_a_session_changes_nothing(rf: Any, alice: Any) -> None:
    """A token API calls `user_logged_in` with a request that has no session, or with none."""
    without, with_none = rf.get("/"), rf.get("/")
    with_none.session = None
    for request in (without, with_none, None):
        begin_login(request=request, user=alice)
        discard_challenge(request=request, user=alice)
