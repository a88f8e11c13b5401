"""The second door: what a middleware further in changes after the first decision."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.flatpages.models import FlatPage
from django.test import Client

from otp_gate.signals import request_refused
from tests import views
from tests.browsers import AsyncBrowser
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import LOGIN, VERIFY, last_code, log_in, pass_gate

AS_ALICE = {"x-log-in": "alice"}
LEND_BOB = {"x-lend": "bob"}
TOKEN = {"x-token": "alice"}


@pytest.fixture(params=["before", "after"])
def where(request: pytest.FixtureRequest) -> str:
    """On which side of the gate the other middleware stands."""
    return str(request.param)


def put(settings: Any, where: str, name: str) -> None:
    put_around_gate(settings, **{where: [f"tests.middlewares.{name}"]})


# Somebody is logged in on the way


@pytest.mark.parametrize("page", ["/secret/", "/asecret/", "/class/", "/aclass/"])
def test_a_login_on_the_way_is_held(
    settings: Any, nobody: Any, alice: Any, where: str, page: str
) -> None:
    """Who came as a stranger and was logged in by a middleware reaches no view."""
    put(settings, where, "LogsIn")
    assert_held(nobody.get(page, headers=AS_ALICE), page)
    assert_held(nobody.get(page), page)


@pytest.mark.parametrize("page", ["/secret/", "/asecret/", "/class/", "/aclass/"])
@pytest.mark.parametrize(
    ("name", "headers"), [("LogsInAtView", AS_ALICE), ("LendsAtView", {"x-lend": "alice"})]
)
def test_a_login_at_the_view_is_held_before_the_gate(
    settings: Any, nobody: Any, alice: Any, name: str, headers: dict[str, str], page: str
) -> None:
    """Its place, where `process_view` logs in, is above the gate (`otp_gate.W009`)."""
    put(settings, "before", name)
    assert_held(nobody.get(page, headers=headers), page)


def test_a_login_on_the_way_ends_the_mark(settings: Any, passed: Any, where: str) -> None:
    """The same user logged in again, in the same request, is half-authenticated."""
    put(settings, where, "LogsIn")
    assert_held(restarted(passed).get("/secret/", headers=AS_ALICE), "/secret/")
    assert_held(passed.get("/secret/"), "/secret/")


def test_a_login_of_the_same_object_ends_the_mark(settings: Any, passed: Any, where: str) -> None:
    """`request.user` is the one that the first door saw, and yet his login is another."""
    put(settings, where, "LogsInAgain")
    assert_held(restarted(passed).get("/secret/", headers={"x-again": "1"}), "/secret/")


def test_another_user_on_the_way_is_held(settings: Any, passed: Any, bob: Any, where: str) -> None:
    """One user's mark is no other's."""
    put(settings, where, "LogsIn")
    assert_held(restarted(passed).get("/secret/", headers={"x-log-in": "bob"}), "/secret/")


def test_a_login_on_the_way_to_an_exempt_page_is_hidden(
    settings: Any, nobody: Any, alice: Any, where: str
) -> None:
    """An exempt page sees nobody, though somebody has just been logged in."""
    put(settings, where, "LogsIn")
    assert nobody.get("/open/", headers=AS_ALICE).content == b"open to nobody"
    assert nobody.get("/aopen/", headers=AS_ALICE).content == b"open to nobody"


def test_a_login_on_the_way_to_an_exempt_page_as_another(
    settings: Any, held: Any, bob: Any
) -> None:
    """The mask of the first decision does not count as the person for the second."""
    put(settings, "after", "LogsIn")
    told = restarted(held).get("/status/", headers={"x-log-in": "bob"}).json()
    assert (told["status"], told["user"], told["pending_user"]) == ("exempt", "", "bob")


def test_a_logout_on_the_way_is_believed(settings: Any, passed: Any, where: str) -> None:
    """A verified session that ends on the way is a stranger's when it arrives."""
    put(settings, where, "LogsOut")
    told = restarted(passed).get("/status/", headers={"x-log-out": "1"}).json()
    assert (told["status"], told["user"]) == ("anonymous", "")


def test_a_logout_on_the_way_to_an_exempt_page(settings: Any, held: Any) -> None:
    """Behind the mask the session has ended: nobody is half-authenticated any more."""
    put(settings, "after", "LogsOut")
    told = restarted(held).get("/status/", headers={"x-log-out": "1"}).json()
    assert (told["status"], told["pending_user"]) == ("anonymous", None)
    assert held.get("/status/").json()["status"] == "anonymous"


# Somebody is logged in on the way, and no view is reached


def put_behind(settings: Any, *names: str) -> None:
    put_around_gate(settings, after=[n if "." in n else f"tests.middlewares.{n}" for n in names])


@pytest.mark.parametrize(
    ("name", "headers"),
    [("LogsIn", AS_ALICE), ("Tokens", TOKEN), ("ByHeader", {"x-remote-user": "alice"})],
)
def test_what_a_middleware_answers_to_whom_another_logged_in_is_held(
    settings: Any, nobody: Any, alice: Any, name: str, headers: dict[str, str]
) -> None:
    """Both stand further in than the gate, and no view, so no second door, is on their way."""
    put_behind(settings, name, "Answers")
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert nobody.get("/answered/").content == b"answered"
    assert_held(nobody.get("/answered/", headers=headers), "/answered/")


def test_a_page_in_place_of_a_404_is_held(settings: Any, nobody: Any, alice: Any) -> None:
    """Django's flat pages are shown by a middleware, where no URL is found."""
    put_behind(settings, "LogsIn", "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware")
    page = FlatPage.objects.create(url="/members/", title="Members", registration_required=True)
    page.sites.add(settings.SITE_ID)
    assert nobody.get("/members/")["Location"] == "/login/?next=/members/"
    assert_held(nobody.get("/members/", headers=AS_ALICE), "/members/")
    pass_gate(client := Client())
    assert restarted(client).get("/members/").status_code == 200


def test_a_page_that_is_not_there_is_held_like_any_other(
    settings: Any, nobody: Any, alice: Any
) -> None:
    """Whoever is logged in on the way does not learn which paths there are."""
    put_behind(settings, "LogsIn")
    assert nobody.get("/not-there/").status_code == 404
    assert_held(nobody.get("/not-there/", headers=AS_ALICE), "/not-there/")


def test_the_mark_of_a_login_on_the_way_ends_before_the_answer(settings: Any, passed: Any) -> None:
    """The verified, logged in again, are half-authenticated when a middleware answers them."""
    put_behind(settings, "LogsIn", "Answers")
    assert restarted(passed).get("/answered/").content == b"answered"
    assert_held(passed.get("/answered/", headers=AS_ALICE), "/answered/")


def test_a_redirect_after_a_login_on_the_way_is_followed(
    settings: Any, nobody: Any, alice: Any
) -> None:
    """A log-in link that works once leads on without it: to send it round again would be a trap."""
    put_behind(settings, "LogsIn", "NewPasswordFirst")
    assert nobody.get("/not-there/", headers=AS_ALICE)["Location"] == "/plain/"
    assert_held(nobody.get("/plain/"), "/plain/")


def test_who_is_logged_out_on_the_way_is_answered(settings: Any, passed: Any) -> None:
    """An idle timeout may say so by itself: a stranger is nobody to hold."""
    put_behind(settings, "LogsOut", "Answers")
    response = restarted(passed).get("/answered/", headers={"x-log-out": "1"})
    assert response.content == b"answered"


def test_an_exempt_path_answers_whom_a_middleware_logged_in(
    settings: Any, nobody: Any, alice: Any
) -> None:
    """What is open to the half-authenticated is open to them at once."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/answered/"]}
    put_behind(settings, "LogsIn", "Answers")
    assert nobody.get("/answered/", headers=AS_ALICE).content == b"answered"


# Impersonation


@pytest.mark.parametrize("page", ["/secret/", "/asecret/"])
def test_a_swapped_user_is_held(settings: Any, passed: Any, bob: Any, page: str) -> None:
    """Another user behind the very promise that the first door saw is another user."""
    put(settings, "after", "Swaps")
    assert_held(restarted(passed).get(page, headers={"x-swap": "bob"}), page)
    assert passed.get(page, headers={"x-swap": "alice"}).status_code == 200


def test_a_lent_identity_is_held(settings: Any, passed: Any, bob: Any, where: str) -> None:
    """A verified user who acts as another is asked for that user's code."""
    put(settings, where, "Lends")
    assert_held(restarted(passed).get("/secret/", headers=LEND_BOB), "/secret/")
    views.RAN.clear()
    assert passed.get("/secret/").content == b"secret of alice"


def test_a_lent_identity_is_never_a_trap(settings: Any, passed: Any, bob: Any, where: str) -> None:
    """He sees the page, may type in the other's code, or sign out."""
    put(settings, where, "Lends")
    page = restarted(passed).get(VERIFY, headers=LEND_BOB)
    assert (page.status_code, "bob" in page.content.decode()) == (200, True)
    response = passed.post("/otp/cancel/", headers=LEND_BOB)
    assert response["Location"] == LOGIN
    assert passed.get("/secret/").content == b"secret of nobody"


def test_a_lent_identity_may_be_verified_too(
    settings: Any, passed: Any, bob: Any, mailoutbox: Any, where: str
) -> None:
    """Then both of his identities are open in this session, and no third is."""
    put(settings, where, "Lends")
    restarted(passed).get(VERIFY, headers=LEND_BOB)
    assert mailoutbox[-1].to == ["bob@example.com"]
    assert passed.post(VERIFY, {"code": last_code()}, headers=LEND_BOB).status_code == 302
    assert passed.get("/secret/", headers=LEND_BOB).content == b"secret of bob"
    assert passed.get("/secret/").content == b"secret of alice"


def test_a_half_authenticated_user_cannot_borrow_his_way_in(
    settings: Any, held: Any, bob: Any, where: str
) -> None:
    """Neither his own identity nor the lent one is open."""
    put(settings, where, "Lends")
    assert_held(restarted(held).get("/secret/", headers=LEND_BOB), "/secret/")


# A user whom no session logged in


def test_a_user_by_token_is_held(settings: Any, nobody: Any, alice: Any, where: str) -> None:
    """Whoever puts a user into the request, the gate sees him; no session is made for him."""
    put(settings, where, "Tokens")
    response = nobody.get("/secret/", headers=TOKEN)
    assert_held(response, "/secret/")
    assert "sessionid" not in response.cookies


def test_a_verified_user_by_token_too_is_let_in(settings: Any, passed: Any, where: str) -> None:
    """It is the same user, in a session that typed in his code."""
    put(settings, where, "Tokens")
    assert restarted(passed).get("/secret/", headers=TOKEN).content == b"secret of alice"


# Who was looked at before the gate looked


def test_a_user_who_is_loaded_already(settings: Any, passed: Any, alice: Any) -> None:
    """A middleware further out that loads the user changes nothing."""
    put_around_gate(settings, before=["tests.middlewares.Looks"])
    assert restarted(passed).get("/secret/").content == b"secret of alice"
    log_in(Client())
    alice.delete()
    assert passed.get("/secret/").content == b"secret of nobody"


def test_a_half_user_who_is_loaded_already(settings: Any, held: Any) -> None:
    """And lets nobody in."""
    put_around_gate(settings, before=["tests.middlewares.Looks"])
    assert_held(restarted(held).get("/secret/"), "/secret/")


# The view that really runs


def test_the_view_that_runs_is_what_counts(settings: Any, held: Any) -> None:
    """A path that is exempt on the main site runs another view under a tenant's URLconf."""
    put(settings, "after", "Hosts")
    told: list[Any] = []

    def listen(*, request: Any, **_: Any) -> None:
        told.append((request.otp_gate.status, request.user.get_username()))

    request_refused.connect(listen)
    response = restarted(held).get("/open/", headers={"x-urlconf": "tenant"})
    request_refused.disconnect(listen)
    assert_held(response, "/open/")
    assert told == [("half", "alice")]


def test_a_view_that_becomes_exempt_on_the_way_stays_shut(settings: Any, held: Any) -> None:
    """The first door did not know; an open door further in is not asked."""
    put(settings, "after", "Hosts")
    assert_held(restarted(held).get("/secret/", headers={"x-urlconf": "tenant"}), "/secret/")


def test_the_second_door_stays_shut_under_asgi_natively(alice: Any) -> None:
    """Verified in one session and held in another, interleaved on one ASGI server."""
    first, second = Client(), Client()
    pass_gate(first)
    log_in(second)
    verified, held = AsyncBrowser(first), AsyncBrowser(second)
    for _ in range(3):
        assert verified.get("/asecret/").content == b"secret of alice"
        views.RAN.clear()
        assert_held(held.get("/asecret/"), "/asecret/")


def test_who_was_hidden_on_an_exempt_page_is_known_at_the_second_door(
    settings: Any, held: Any
) -> None:
    """The mask of the first door is no alibi for the view that another path leads to."""
    put(settings, "after", "LeadsAside")
    aside = {"x-aside": "/secret/"}
    assert_held(restarted(held).get("/open/", headers=aside), "/open/")


@pytest.mark.parametrize("page", ["/secret/", "/asecret/"])
def test_an_exchanged_session_that_cannot_be_read_reaches_no_view(
    settings: Any, passed: Any, page: str
) -> None:
    """Whoever it belongs to may be half-authenticated: 503, as at the first door."""
    put(settings, "after", "ExchangesSession")
    assert restarted(passed).get(page).status_code == 503
