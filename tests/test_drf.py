"""`IsVerified`: what an API gives to whom, by whatever he says who he is."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import RefreshToken

from otp_gate import reports
from otp_gate.drf import IsVerified
from tests import views
from tests.clock import Clock
from tests.commands import manage
from tests.gates import GATE
from tests.helpers import JSON, PASSWORD, VERIFY, last_code, log_in, open_page, pass_gate
from tests.urlconfs.api import BYPASSING, GATED, basic

DUE = {
    "detail": "Type in the code that was sent to you, at verify_url, then try again.",
    "code": "otp_required",
    "verify_url": VERIFY,
}
WEAK = {
    "detail": "This needs a login that was verified by a one-time password.",
    "code": "otp_required",
}
CREDENTIALS = {"username": "alice", "password": PASSWORD}


@pytest.fixture(autouse=True)
def urls(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site has an API, and nobody was ever stopped there."""
    settings.ROOT_URLCONF = "tests.urlconfs.api"
    settings.SIMPLE_JWT = {"SIGNING_KEY": "of this test, and long enough for HS256"}
    monkeypatch.setattr(reports.Pause, "until", 0.0)


@pytest.fixture(params=["token", "jwt", "basic"])
def credential(request: pytest.FixtureRequest, alice: Any) -> dict[str, str]:
    """Each way to say who one is without a session."""
    if request.param == "basic":
        return basic("alice", PASSWORD)
    if request.param == "token":
        return {"authorization": f"Token {Token.objects.create(user=alice).key}"}
    return {"authorization": f"Bearer {RefreshToken.for_user(alice).access_token}"}


@pytest.fixture
def excused(settings: Any, half: Client) -> Client:
    """Alice's browser, on a site whose policy does not ask her for a code."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    return half


def refused(response: Any, status: int, body: Any) -> None:
    assert (response.status_code, response.json()) == (status, body)
    assert not views.RAN


# Who asks


def test_the_verified_pass(passed: Any) -> None:
    """On WSGI and ASGI, as often as they like."""
    for _ in range(2):
        assert passed.get("/api/").json() == {"secret": "of alice"}


def test_a_stranger_is_not_authenticated(nobody: Any) -> None:
    """In DRF's own words."""
    answer = nobody.get("/api/")
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    assert answer.status_code in (401, 403)
    assert nobody.get("/api/no-way/").json() == answer.json()


def test_whom_the_policy_excuses_is_asked_here_all_the_same(excused: Client) -> None:
    """In DRF's format, with the way to the page; and the page does ask for a code."""
    refused(excused.get("/api/"), 403, DUE)
    assert excused.post(VERIFY, {"code": open_page(excused)}).status_code == 302
    assert excused.get("/api/").json() == {"secret": "of alice"}


def test_the_browsable_api_says_so_too(excused: Client) -> None:
    """As a page, for whoever looks at it in a browser."""
    page = excused.get("/api/", headers={"accept": "text/html"})
    assert page.status_code == 403
    assert "text/html" in page["Content-Type"]
    assert "otp_required" in page.content.decode()
    assert VERIFY in page.content.decode()


@pytest.mark.parametrize("mode", ["enforce", "report"])
def test_the_forms_of_the_browsable_api_ask_for_nothing(
    excused: Client, settings: Any, mode: str
) -> None:
    """Whoever reads a page is not made to type a code for what he could do there, nor counted."""
    settings.OTP_GATE = {**settings.OTP_GATE, "MODE": mode}
    before = dict(excused.session)
    page = excused.get("/api/or/", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "of alice" in page.content.decode()
    assert excused.options("/api/or/").status_code == 200
    assert dict(excused.session) == before
    assert manage("report").out.startswith("0 requests")


def test_a_site_without_the_pages(excused: Client, settings: Any) -> None:
    """There is no address to give, and no error."""
    settings.ROOT_URLCONF = "tests.urlconfs.api_without_pages"
    answer = excused.get("/api/")
    assert (answer.status_code, answer.json()["code"]) == (403, "otp_required")
    assert "verify_url" not in answer.json()


def test_a_token_is_not_enough(credential: dict[str, str], client: Client) -> None:
    """401 as RFC 9470 has it: whoever holds it must log in again, and better."""
    answer = client.get("/api/", headers=credential)
    refused(answer, 401, WEAK)
    challenge = 'Bearer error="insufficient_user_authentication"'
    assert answer["WWW-Authenticate"] == challenge
    answer = client.get("/api/recent/", headers=credential)
    assert answer["WWW-Authenticate"] == f'{challenge}, max_age="300"'


def test_a_token_beside_a_session(verified: Client, bob: Any, credential: dict[str, str]) -> None:
    """It passes where the session was verified for that very user, and for nobody else."""
    assert verified.get("/api/", headers=credential).json()["secret"] == "of alice"
    others = Client()
    pass_gate(others, "bob")
    assert others.get("/api/", headers={}).json()["secret"] == "of bob"
    views.RAN.clear()
    # SessionAuthentication comes first on this site; by Basic alone it is alice who asks.
    refused(others.get("/basic/", headers=basic("alice", PASSWORD)), 401, WEAK)


def test_on_an_exempt_view_the_half_authenticated_are_asked(half: Client) -> None:
    """They are hidden there, and yet not taken for strangers."""
    refused(half.get("/api/open/"), 403, DUE)


def test_a_changed_password_ends_it(verified: Client) -> None:
    """The mark outlives the user in his session; the permission asks for him."""
    alice = User.objects.get()
    alice.set_password("another")
    alice.save()
    answer = verified.get("/api/")
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    assert verified.post("/verified-pair/", CREDENTIALS).status_code == 401


def test_without_the_gate_it_is_no_permission(settings: Any, client: Client, db: None) -> None:
    """It says what is missing, and does not guess."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != GATE]
    with pytest.raises(ImproperlyConfigured, match="IsVerified needs"):
        client.get("/api/")


# How long ago


def test_step_up(verified: Client, clock: Clock) -> None:
    """An old code is asked for anew, there and nowhere else."""
    assert verified.get("/api/recent/").status_code == 200
    clock.advance(301)
    views.RAN.clear()
    refused(verified.get("/api/recent/"), 403, DUE)
    assert verified.get("/api/").status_code == 200
    assert verified.post(VERIFY, {"code": open_page(verified)}).status_code == 302
    assert verified.get("/api/recent/").status_code == 200


@pytest.mark.parametrize("max_age", [0, -1, "300", True, None])
def test_an_age_that_is_none_is_refused(max_age: Any) -> None:
    """Where the project is started."""
    with pytest.raises(ValueError, match="it must be"):
        IsVerified.within(max_age)


# Composition


def test_and(verified: Client, excused: Client, settings: Any) -> None:
    """Who would be refused in any case is not sent for a code."""
    views.RAN.clear()
    assert excused.get("/api/and/").json()["detail"].startswith("You do not have permission")
    User.objects.update(is_staff=True)
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.superusers"}
    refused(excused.get("/api/and/"), 403, DUE)
    assert verified.get("/api/and/").status_code == 200


@pytest.mark.parametrize("path", ["/api/or/", "/api/ro/"])
def test_or(verified: Client, excused: Client, client: Client, path: str) -> None:
    """Whichever is asked first: reading is open, writing wants a code; a stranger is told so."""
    assert excused.get(path).json() == {"secret": "of alice"}
    assert client.get(path).json() == {"secret": "of nobody"}
    views.RAN.clear()
    refused(excused.post(path), 403, DUE)
    assert "credentials were not provided" in client.post(path).json()["detail"]
    assert verified.post(path).json() == {"secret": "of alice"}


def test_not(verified: Client, excused: Client) -> None:
    """For pages of those who have not typed in a code; of objects as of the whole."""
    assert excused.get("/api/not/").json() == {"secret": "of alice"}
    assert verified.get("/api/not/").json()["detail"].startswith("You do not have permission")


def test_beside_another_permission(excused: Client) -> None:
    """The one that refuses is the one that answers."""
    assert excused.get("/api/list/").json()["detail"].startswith("You do not have permission")
    refused(excused.post("/api/list/"), 403, DUE)


def test_deep_in_a_composition(verified: Client, excused: Client) -> None:
    """As DRF joins them, whichever stands on the left."""
    refused(excused.post("/api/deep/"), 403, DUE)
    assert excused.get("/api/deep/").json()["detail"].startswith("You do not have permission")
    assert verified.post("/api/deep/").status_code == 200


# Report mode


def test_report_mode_lets_pass_and_counts(
    half: Client, client: Client, credential: dict[str, str], settings: Any
) -> None:
    """Each by the name of who asked, once; a stranger is one all the same."""
    settings.OTP_GATE = {"MODE": "report"}
    assert half.get("/api/").status_code == 200
    assert client.get("/api/recent/", headers=credential).status_code == 200
    assert client.get("/api/").status_code in (401, 403)
    lines = [line.split() for line in manage("report").out.splitlines()[:-1]]
    assert lines == [["1", "alice", "api"], ["1", "alice", "api-recent"]]


# What gives tokens


TAKE_A_PASSWORD = ["/verified-token/", "/verified-pair/", "/verified-own/"]


@pytest.mark.parametrize("path", TAKE_A_PASSWORD)
def test_a_password_alone_gets_no_token(
    client: Client, verified: Client, excused: Client, path: str
) -> None:
    """A verified session does, and it is one's own."""
    answer = client.post(path, CREDENTIALS)
    assert answer.status_code in (401, 403)
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    refused(excused.post(path, CREDENTIALS), 403, DUE)
    token = verified.post(path, CREDENTIALS, "application/json").json()
    assert {"token", "access"} & set(token)


@pytest.mark.parametrize("path", TAKE_A_PASSWORD)
@pytest.mark.parametrize(
    "fields",
    [
        {"username": "bob", "password": PASSWORD},
        {"username": "alice", "email": "bob@example.com", "password": PASSWORD},
        {"username": ["bob"], "password": PASSWORD},
        {"username": {"alice": 1}, "password": PASSWORD},
        {"phone": "bob", "password": PASSWORD},
        {},
        [],
        '"alice"',
    ],
    ids=str,
)
def test_nobody_gets_a_token_of_another(verified: Client, bob: Any, path: str, fields: Any) -> None:
    """Whose password one knows as well: his second factor would be worth nothing."""
    answer = verified.post(path, fields, "application/json")
    assert answer.status_code in ((401, 403) if fields != {} else (400, 401, 403))
    assert not {"token", "access"} & set(answer.json())


def test_a_token_for_who_asks(verified: Client, excused: Client, client: Client) -> None:
    """No name and no password in between, so none of another."""
    refused(excused.post("/own-token/"), 403, DUE)
    assert client.post("/own-token/").status_code in (401, 403)
    assert "access" in verified.post("/own-token/").json()


def test_the_list_of_urls_tells_them_apart(settings: Any) -> None:
    """Gated where only the verified pass; what `|` or `~` opens again still bypasses."""
    found = {}
    for line in manage("urls").out.splitlines():
        _, name, verdict, *_ = line.split()
        found[name] = verdict
    assert {name: found[name] for name in GATED} == dict.fromkeys(GATED, "gated")
    assert {name: found[name] for name in BYPASSING} == dict.fromkeys(BYPASSING, "bypasses")
    assert found["api-open"] == "exempt"


def test_the_gate_comes_first(half: Client) -> None:
    """Where the policy holds somebody, no view of the API is reached."""
    answer = half.get("/api/", headers=JSON)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["verify_url"] == VERIFY
    half.post(VERIFY, {"code": open_page(half)})
    assert half.get("/api/", headers=JSON).json() == {"secret": "of alice"}
    assert last_code()
    log_in(half)
    views.RAN.clear()
    assert half.get("/api/", headers=JSON).status_code == 403
    assert not views.RAN
