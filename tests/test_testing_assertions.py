"""`assertGated`: what is closed passes, and what is open is told, with the line that opens it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.test import Client
from django.views.decorators.cache import never_cache

from otp_gate.decorators import otp_exempt
from otp_gate.testing import METHODS, assertGated, assertNotGated, gate_open
from tests import views
from tests.gates import GATE, put_around_gate
from tests.helpers import VERIFY

SECRET = "/secret/"
CLOSED = [
    *(SECRET, "/asecret/", "/class/", "/aclass/", "/plain/", "/", "/step-up/", "/files/a/b"),
    *("/no-such-page/", "/admin/", "/named/only/"),
]


def failure(url: Any, **options: Any) -> str:
    """Return what the assertion says of a URL that is not closed."""
    with pytest.raises(AssertionError) as caught:
        assertGated(url, **options)
    return str(caught.value)


@pytest.mark.parametrize("url", CLOSED)
def test_what_is_closed_is_closed_to_every_method(alice: Any, url: str) -> None:
    """And no view runs meanwhile."""
    assertGated(url)
    assert not views.RAN


def test_all_methods_are_tried(alice: Any) -> None:
    """One that is open is told of, with what answered it, and the others too."""
    assert set(METHODS) == {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
    text = failure("/open/")
    assert text.startswith("/open/ is not closed to who has only a password.\n")
    methods = "GET, HEAD, POST, OPTIONS, PUT, PATCH, DELETE"
    assert f"\n  {methods}: 200 OK, by tests.views.open_page (tests/views.py:" in text
    assert views.RAN["open"] == 7


def test_only_what_is_asked_for_is_tried(alice: Any) -> None:
    """A view that deletes need not be proved with a DELETE."""
    failure("/open/", methods=["GET"])
    assert views.RAN["open"] == 1


def test_a_url_by_its_name(alice: Any, settings: Any) -> None:
    """A name, or an object that has an address."""
    assertGated("secret")
    alice.get_absolute_url = lambda: "/open/"
    assert "/open/ is not closed" in failure(alice)


def test_it_is_proved_also_where_the_suite_has_the_gate_open(alice: Any, client: Client) -> None:
    """That is where it is most wanted; and the gate is open again afterwards."""
    with gate_open():
        assertGated(SECRET)
        failure("/open/")
        client.force_login(alice)
        assert client.get(SECRET).status_code == 200


# Which line opens it


def test_a_decorator_is_named_with_its_view(alice: Any) -> None:
    """The file and the line lead there."""
    text = failure("/open/")
    assert re.search(
        r"\nIt is open by @otp_exempt on tests\.views\.open_page \(tests/views\.py:\d+\)\.$", text
    )
    assert "It is open by @otp_exempt on tests.views.OpenClass (" in failure("/open-class/")
    assert "@otp_exempt(reveal_user=True) on tests.views.reveal (" in failure("/reveal/")


def test_a_view_without_a_source_is_named(
    alice: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance has no line of its own, and code from elsewhere a whole path."""
    settings.ROOT_URLCONF = "tests.test_testing_assertions"
    text = failure("/called/")
    assert "DELETE: 200 OK, by tests.test_testing_assertions.Called\n" in text
    monkeypatch.chdir(tmp_path)
    text = failure("/static/a.css", methods=["GET"])
    assert re.search(r"by django\.contrib\.staticfiles\.views\.serve \(/.*/views\.py:\d+\)", text)


class Called:
    """A view that is no function."""

    def __call__(self, request: Any) -> HttpResponse:
        return HttpResponse("called")


def test_exempt_views_are_named(alice: Any, settings: Any) -> None:
    """The entry, as it stands in the settings."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["secret"]}
    assert '\nIt is open by "secret" in OTP_GATE["EXEMPT_VIEWS"].' in failure(SECRET)


def test_exempt_paths_are_named(alice: Any, settings: Any) -> None:
    """Also where no view is."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/elsewhere/", "/no-such/"]}
    text = failure("/no-such/page/")
    assert "DELETE: 404 Not Found, by something that is no view" in text
    assert '\nIt is open by "/no-such/" in OTP_GATE["EXEMPT_PATHS"].' in text


def test_the_pages_of_the_gate_are_named(alice: Any) -> None:
    """They are open in every state."""
    assert "being a page of the gate itself (otp_gate.urls.verify (" in failure(VERIFY)


def test_static_files_are_named(alice: Any, settings: Any) -> None:
    """Of the development server."""
    settings.ROOT_URLCONF = "tests.test_testing_assertions"
    assert "being Django's own view of static files in development" in failure("/static/a.css")


def test_a_policy_that_asks_nothing_of_the_user(alice: Any, admin_user: Any, settings: Any) -> None:
    """The URL may well be closed, but not to this one."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    text = failure(SECRET)
    assert "DELETE: 200 OK, by tests.views.secret (" in text
    assert "OTP_GATE['POLICY'] (otp_gate.policy.staff) asks no code of alice: give user=" in text
    assertGated(SECRET, user=admin_user)


def test_report_mode_closes_nothing(alice: Any, settings: Any) -> None:
    """And says so."""
    settings.OTP_GATE = {"MODE": "report"}
    assert '\nOTP_GATE["MODE"] is "report", which turns nobody away.' in failure(SECRET)


def test_a_site_without_the_gate(alice: Any, settings: Any) -> None:
    """As after a merge that has lost a line."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != GATE]
    assert f"\n'{GATE}' is not in MIDDLEWARE." in failure(SECRET)


def test_a_middleware_before_the_gate(alice: Any, settings: Any) -> None:
    """It answers whoever asks; the gate is not asked."""
    put_around_gate(settings, before=["tests.middlewares.Answers"])
    text = failure("/answered/")
    assert "DELETE: 200 OK, by something that is no view" in text
    assert "\nIt was answered before the gate was asked, by one of SecurityMiddleware, " in text
    assert text.endswith(", Answers.")


def Softens(get_response: Any) -> Any:
    """Makes a page of one redirect, and lets a proxy keep another."""

    def middleware(request: Any) -> Any:
        response = get_response(request)
        if request.method == "POST":
            response.status_code = 200
        if request.method == "PUT":
            response["Cache-Control"] = "public, max-age=60"
        return response

    return middleware


def test_a_middleware_that_changes_the_answer(alice: Any, settings: Any) -> None:
    """The gate has done its work, but the client is told something else."""
    put_around_gate(settings, before=["tests.test_testing_assertions.Softens"])
    text = failure(SECRET)
    assert "  POST: 200 OK to /otp/, made of the gate's answer" in text
    assert "  PUT: 302 Found to /otp/, made of the gate's answer" in text
    assert "  GET, HEAD, OPTIONS, PATCH, DELETE: turned away, as it should be\n" in text
    assert "\nThe gate turned it away, but one of SecurityMiddleware, " in text


def Verifies(get_response: Any) -> Any:
    """Opens the session by itself, behind the gate's back."""
    from otp_gate import session

    def middleware(request: Any) -> Any:
        session.set_verified(request, str(request.user.pk), "nothing")
        return get_response(request)

    return middleware


def test_a_session_that_was_opened_on_the_way(alice: Any, settings: Any) -> None:
    """Whatever opens it: the state that the gate saw last is told."""
    put_around_gate(settings, before=["tests.test_testing_assertions.Verifies"])
    assert '\nThe gate took the session for "verified"' in failure(SECRET)


@otp_exempt
@never_cache
def imitates(request: Any) -> Any:
    return HttpResponseRedirect("/otp/")


def test_a_view_that_answers_as_the_gate_does(alice: Any, settings: Any) -> None:
    """It ran all the same: the gate itself must have said that it turned the request away."""
    settings.ROOT_URLCONF = "tests.test_testing_assertions"
    text = failure("/imitates/")
    assert "DELETE: 302 Found to /otp/, by tests.test_testing_assertions.imitates (" in text


@otp_exempt
def fails(request: Any) -> Any:
    raise ZeroDivisionError("in the view")


def test_a_view_that_fails_has_run(alice: Any, settings: Any) -> None:
    """Its error is told, and does not hide that it was reached."""
    settings.ROOT_URLCONF = "tests.test_testing_assertions"
    with pytest.raises(AssertionError) as caught:
        assertGated("/fails/")
    assert "DELETE: 500 Internal Server Error (ZeroDivisionError in the view), by tests." in str(
        caught.value
    )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


# Who asks, and how


def test_the_first_active_user_asks(alice: Any, bob: Any, settings: Any) -> None:
    """Who may not log in has nothing to be kept from."""
    User.objects.filter(pk=alice.pk).update(is_active=False)
    settings.OTP_GATE = {"POLICY": "tests.policies.only_bob"}
    assertGated(SECRET)


def test_somebody_is_made_where_there_is_nobody(db: None) -> None:
    """And can be found afterwards."""
    assertGated(SECRET)
    made = User.objects.get()
    assert (made.get_username(), made.has_usable_password()) == ("half-authenticated", False)


def test_it_can_be_asked_as_a_program_asks(alice: Any) -> None:
    """The answer then has another shape."""
    assertGated(SECRET, headers={"accept": "application/json"})
    assertGated(SECRET, headers={"sec-fetch-dest": "image"})


def test_a_site_that_is_https_only(alice: Any, settings: Any) -> None:
    """The redirect to https is not taken for an open door, unless http is asked for."""
    settings.SECURE_SSL_REDIRECT = True
    assertGated(SECRET)
    assert "301 Moved Permanently to https://testserver/secret/" in failure(SECRET, secure=False)


# The counterpart


def test_what_is_open_is_open(alice: Any, admin_user: Any, settings: Any) -> None:
    """An exempt view, a page of the gate; to whom the policy asks nothing, everything."""
    for url in ("/open/", "open-class", "/reveal/", VERIFY):
        assertNotGated(url)
    assertNotGated("/open/", methods=METHODS)
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    assertNotGated(SECRET)
    with pytest.raises(AssertionError):
        assertNotGated(SECRET, user=admin_user)


def test_what_is_gated_is_told_how_to_open(alice: Any) -> None:
    """By name where it has one."""
    with pytest.raises(AssertionError) as caught:
        assertNotGated(SECRET)
    assert str(caught.value) == (
        "/secret/ is gated: GET was turned away with 302. To open it, put @otp_exempt on its view, "
        'or "secret" into OTP_GATE["EXEMPT_VIEWS"].'
    )
    with pytest.raises(AssertionError, match="view, or its path into"):
        assertNotGated("/no-such-page/")
    assert not views.RAN


def test_by_itself_it_only_gets(alice: Any) -> None:
    """What is tried really runs."""
    assertNotGated("/open/")
    assert views.RAN["open"] == 1


def _urls() -> list[Any]:
    from django.contrib.staticfiles.views import serve
    from django.urls import include, path

    return [
        path("fails/", fails),
        path("imitates/", imitates),
        path("called/", otp_exempt(Called())),
        path("static/<path:path>", serve),
        path("login/", views.home, name="login"),
        path("otp/", include("otp_gate.urls")),
    ]


urlpatterns = _urls()
