"""Where people go from the OTP page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model, login
from django.core import mail
from django.http import HttpRequest
from django.test import Client

from tests.browsers import (
    is_in,
    redis_commands,
)
from tests.clock import Clock
from tests.gates import put_around_gate
from tests.helpers import (
    CANCEL,
    DISOWN,
    RESEND,
    VERIFY,
    last_code,
    log_in,
    open_page,
    wrong_code,
)
from tests.urlconfs import log_outs

INVALID = "Invalid one-time password"
EXPIRED = "One-time password has expired"


def page_after(client: Any, code: object) -> str:
    """Type a code that is refused; return the page."""
    response = client.post(VERIFY, {"code": code})
    assert response.status_code == 200
    return str(response.content.decode())


# Where people go


def test_next_is_carried_through_a_wrong_code(held: Any) -> None:
    """Whoever mistypes still lands where he was going."""
    page = held.get(VERIFY + "?next=/secret/%3Fpage=2").content.decode()
    hidden = '<input type="hidden" name="next" value="/secret/?page=2">'
    assert hidden in page
    fields = {"next": "/secret/?page=2", "code": wrong_code()}
    assert hidden in held.post(VERIFY, fields).content.decode()
    response = held.post(VERIFY, {**fields, "code": last_code()})
    assert (response.status_code, response["Location"]) == (302, "/secret/?page=2")


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/otp/", "/otp/resend/"]
    + ["/logout/", "/\\evil.example", "x" * 3000, "secret/", "", " /secret/", "/secret/ "]
    + ["/login/", "/login/?next=//evil.example", "/login/?next=/otp/", "/login/?next=/login/"]
    + ["/o%74p/", "/otp/%72esend/", "/logou%74/", "/otp%2F", "/%6Cogin/", "%2Fsecret/"]
    + ["/otp", "/otp/resend", "/logout", "/logou%74", "/admin/logout", "/login/?next=/logout"]
    + ["/files/../otp/", "/files/%2e%2E/logout/", "/./logout/", "/logout/.", "/logout\\"],
)
def test_next_leads_nowhere_else(half: Client, target: str) -> None:
    """Only a page of this host follows a verification, and no page of the gate or log-out."""
    code = open_page(half)
    response = half.post(VERIFY, {"code": code, "next": target})
    assert response["Location"] == "/"


def test_a_next_of_a_thousand_fields_breaks_nothing(half: Client) -> None:
    """Django refuses to read so many; what was typed counts all the same."""
    response = half.post(VERIFY, {"code": open_page(half), "next": "/login/?" + "&" * 1500})
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize("target", ["/signout/", "/signout", "/signou%74"])
def test_nobody_is_signed_out_by_what_follows_the_code(
    half: Client, settings: Any, target: str
) -> None:
    """A site may sign out by a GET, and add the slash itself."""
    settings.ROOT_URLCONF = "tests.urlconfs.signout"
    response = half.post(VERIFY, {"code": open_page(half), "next": target}, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert is_in(half)


@pytest.mark.parametrize("path", log_outs.OUT)
def test_no_log_out_follows_the_code(half: Client, settings: Any, path: str) -> None:
    """Whatever it is called: it is known by its names, or by what it does."""
    settings.ROOT_URLCONF = "tests.urlconfs.log_outs"
    response = half.post(VERIFY, {"code": open_page(half), "next": f"/{path}"})
    assert response["Location"] == "/"


@pytest.mark.parametrize("path", log_outs.PAGES)
def test_what_only_looks_like_a_log_out_follows(half: Client, settings: Any, path: str) -> None:
    """A page that logs out by a POST only, and a name that holds the letters by chance."""
    settings.ROOT_URLCONF = "tests.urlconfs.log_outs"
    response = half.post(VERIFY, {"code": open_page(half), "next": f"/{path}"})
    assert response["Location"] == f"/{path}"


# Addresses that log in


def logs_in_by_token(get_response: Any) -> Any:
    """A middleware that logs in by a token in the address, and leaves it there."""

    def middleware(request: HttpRequest) -> Any:
        if "token" in request.GET:
            user = get_user_model().objects.get(username="alice")
            login(request, user, "django.contrib.auth.backends.ModelBackend")
        return get_response(request)

    return middleware


def types_codes(client: Any, clock: Clock, address: str) -> list[str]:
    """Follow a link, and type each code that is asked for; return where each of them led."""
    led: list[str] = []
    while len(led) < 4:
        answer = client.get(address)
        if answer.status_code != 302 or not answer["Location"].startswith(VERIFY):
            break
        clock.advance(31)
        target = parse_qs(urlsplit(answer["Location"]).query)["next"][0]
        page = client.get(answer["Location"])
        assert page.status_code == 200
        address = client.post(VERIFY, {"code": last_code(), "next": target})["Location"]
        led.append(address)
    return led


def test_an_address_that_logs_in_asks_for_no_codes_without_end(
    alice: Any, settings: Any, clock: Clock
) -> None:
    """The second right code leads elsewhere, and the user is in."""
    settings.OTP_GATE = {"SENDS": [(100, 900)]}
    put_around_gate(settings, before=[f"{__name__}.logs_in_by_token"])
    client = Client()
    assert types_codes(client, clock, "/secret/?token=1") == ["/secret/?token=1", "/"]
    assert is_in(client)


def test_the_same_page_may_follow_two_logins(half: Client, clock: Clock) -> None:
    """A user who logs in again later is led to where the first login led."""
    for _ in range(2):
        fields = {"code": open_page(half), "next": "/plain/"}
        assert half.post(VERIFY, fields)["Location"] == "/plain/"
        clock.advance(60)
        log_in(half)


@pytest.mark.parametrize("name", ["sesame", "ticket"])
def test_sesame_on_safari_asks_for_one_code(
    alice: Any, settings: Any, clock: Clock, name: str, monkeypatch: Any
) -> None:
    """Where django-sesame leaves the token in the address, `next` is without it."""
    from sesame.middleware import AuthenticationMiddleware
    from sesame.utils import get_token

    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "sesame.backends.ModelBackend",
    ]
    if name != "sesame":
        settings.SESAME_TOKEN_NAME = name
    monkeypatch.setattr("sesame.settings.TOKEN_NAME", name)
    monkeypatch.setattr(AuthenticationMiddleware, "is_safari", staticmethod(lambda request: True))
    put_around_gate(settings, before=["sesame.middleware.AuthenticationMiddleware"])
    client = Client()
    address = f"/secret/?a=1&{name}={get_token(alice)}&b=2"
    assert types_codes(client, clock, address) == ["/secret/?a=1&b=2"]
    assert is_in(client)


def test_the_parameter_of_another_package_stays(half: Client) -> None:
    """Without the middleware of django-sesame a parameter of that name is the site's."""
    response = half.post(VERIFY, {"code": open_page(half), "next": "/plain/?sesame=1"})
    assert response["Location"] == "/plain/?sesame=1"


@pytest.mark.parametrize(
    "target", ["/.well-known/change-password", "/files/a..b/%2525", "/nowhere"]
)
def test_other_pages_may_look_odd(half: Client, target: str) -> None:
    """A path is refused for where it leads, and not for its looks."""
    response = half.post(VERIFY, {"code": open_page(half), "next": target})
    assert response["Location"] == target


@pytest.mark.parametrize("target", ["/login/?next=/plain/", "/login/?next=/login/?next=/plain/"])
def test_next_is_not_the_login_but_where_it_led(half: Client, target: str) -> None:
    """Who has just logged in is not asked to log in."""
    response = half.post(VERIFY, {"code": open_page(half), "next": target})
    assert response["Location"] == "/plain/"


def test_a_double_click_signs_nobody_out(half: Client) -> None:
    """The second of two equal posts comes with the cookie of a session that is no more."""
    late = Client()
    late.cookies["sessionid"] = half.cookies["sessionid"].value
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302
    response = late.post(VERIFY, {"code": last_code()})
    assert response["Location"] == "/login/"
    assert "sessionid" not in response.cookies


def test_next_on_an_https_site_stays_on_https(half: Client) -> None:
    """A secure site sends nobody to its own insecure self."""
    code = open_page(half)
    response = half.post(VERIFY, {"code": code, "next": "http://testserver/secret/"}, secure=True)
    assert response["Location"] == "/"


def test_the_body_says_next_before_the_address(half: Client) -> None:
    """Of two different targets one counts."""
    code = open_page(half)
    response = half.post(VERIFY + "?next=/plain/", {"code": code, "next": "/secret/"})
    assert response["Location"] == "/secret/"


@pytest.mark.parametrize("url", [VERIFY, RESEND])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_sent_to_the_login(client: Client, db: None, url: str, method: str) -> None:
    """Whoever is not logged in at all goes to LOGIN_URL."""
    response = getattr(client, method)(url)
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize("url", [VERIFY, RESEND])
def test_the_verified_are_sent_on(verified: Client, url: str) -> None:
    """Whoever has nothing to prove goes to `next`, or to where people land after a login."""
    with redis_commands() as seen:
        assert verified.get(url)["Location"] == "/"
        assert verified.get(url + "?next=/secret/")["Location"] == "/secret/"
        assert verified.post(url, {"code": "123456"})["Location"] == "/"
    assert not mail.outbox
    assert seen == []


def test_login_redirect_url_is_where_people_land(half: Client, settings: Any) -> None:
    """LOGIN_REDIRECT_URL may be a name or a path."""
    settings.LOGIN_REDIRECT_URL = "/plain/"
    response = half.post(VERIFY, {"code": open_page(half)})
    assert response["Location"] == "/plain/"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
@pytest.mark.parametrize("url", [VERIFY, RESEND, CANCEL, DISOWN])
def test_other_methods_are_refused(half: Client, url: str, method: str) -> None:
    """The pages know GET, HEAD and POST."""
    response = getattr(half, method)(url)
    assert response.status_code == 405
    assert not is_in(half)
