"""Where people go from the OTP page."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.browsers import (
    is_in,
    redis_commands,
)
from tests.helpers import (
    CANCEL,
    DISOWN,
    RESEND,
    VERIFY,
    last_code,
    open_page,
    wrong_code,
)

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
