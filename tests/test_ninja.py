"""django-ninja: what authenticates inside the view counts only with the code of that user."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client

from otp_gate.testing import verify
from tests import views
from tests.browsers import AsyncBrowser
from tests.clock import Clock
from tests.helpers import PASSWORD, VERIFY, open_page

KINDS = ["", "async/"]
TOKENS = ["token", "atoken", "claims", "several", "of-api", "of-router"]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.ninja"


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


def paths(name: str) -> list[str]:
    return [f"/ninja/{kind}{name}" for kind in ([""] if name.startswith("of-") else KINDS)]


@pytest.fixture(params=["wsgi", "asgi"])
def browser_of(request: pytest.FixtureRequest) -> Any:
    """Either kind of server, for the browser of a user, verified or not at all logged in."""

    def browser(user: Any = None) -> Any:
        client = Client()
        if user is not None:
            client.force_login(user)
            verify(client, factor="email")
        return client if request.param == "wsgi" else AsyncBrowser(client)

    return browser


def is_refused(answer: Any, status: int) -> bool:
    """True for a problem document of the gate; the operation has not run."""
    return (
        answer.status_code == status
        and answer["Content-Type"] == "application/problem+json"
        and answer.json()["code"] == "otp_required"
        and "no-store" in answer["Cache-Control"]
        and not views.RAN["ninja"]
    )


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_alone_is_not_enough(browser_of: Any, alice: Any, name: str) -> None:
    """It was given for a password; RFC 9470 says how to ask for a stronger login."""
    for path in paths(name):
        answer = browser_of().get(path, headers=bearer("alice"))
        assert is_refused(answer, 401), path
        assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_user_authentication"'
        assert "verify_url" not in answer.json()


@pytest.mark.parametrize("name", TOKENS)
def test_the_verified_session_of_another_user_lends_nothing(
    browser_of: Any, alice: Any, bob: Any, name: str
) -> None:
    """The token of the victim, and the attacker's own session with the attacker's own code."""
    browser = browser_of(bob)
    for path in paths(name):
        assert is_refused(browser.get(path, headers=bearer("alice")), 401), path


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_passes_beside_a_verified_session_of_its_user(
    browser_of: Any, alice: Any, name: str
) -> None:
    browser = browser_of(alice)
    for path in paths(name):
        answer = browser.get(path, headers=bearer("alice"))
        assert (answer.status_code, answer.json()) == (200, "secret"), path


@pytest.mark.parametrize("name", ["key", "akey"])
def test_what_names_no_user_is_refused(browser_of: Any, alice: Any, name: str, caplog: Any) -> None:
    """Only the view knows whose key that is; the session may be somebody else's."""
    headers = {**bearer("any"), "x-key": "any"}
    browser = browser_of(alice)
    for path in paths(name):
        assert is_refused(browser.get(path, headers=headers), 401)
    assert "names no user" in caplog.text
    assert browser.get(f"/ninja/{name}").json() == {"detail": "Unauthorized"}


def test_without_a_token_ninja_answers(browser_of: Any, alice: Any) -> None:
    """An async authentication may know that before there is anything to wait for."""
    for path in [*paths("token"), *paths("atoken")]:
        answer = browser_of(alice).get(path)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})


def test_a_password_with_each_request_is_not_enough(browser_of: Any, alice: Any) -> None:
    given = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    headers = {"authorization": f"Basic {given}"}
    for path in paths("password"):
        assert is_refused(browser_of().get(path, headers=headers), 401)
        assert browser_of(alice).get(path, headers=headers).json() == "secret"
        views.RAN.clear()


@pytest.mark.parametrize("name", ["session", "function", "afunction", "several"])
def test_the_session_passes_with_its_code(browser_of: Any, alice: Any, name: str) -> None:
    """And nobody gets ninja's own answer."""
    browser = browser_of(alice)
    for path in paths(name):
        assert browser.get(path).json() == "secret"
        stranger = browser_of().get(path)
        assert (stranger.status_code, stranger.json()) == (401, {"detail": "Unauthorized"})


def test_an_anonymous_user_is_left_to_the_operation(browser_of: Any, db: None) -> None:
    """An authentication that lets anonymous users pass names nobody who could have a code."""
    for path in paths("anybody"):
        assert browser_of().get(path, headers=bearer("x")).json() == "secret"


def test_whom_no_policy_asks_is_asked_here(browser_of: Any, alice: Any, settings: Any) -> None:
    """With the page where the code is typed in; then the operation answers."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.superusers"}
    for path in paths("session"):
        client = Client()
        client.force_login(alice)
        browser = client if not isinstance(browser_of(), AsyncBrowser) else AsyncBrowser(client)
        views.RAN.clear()
        answer = browser.get(path)
        assert is_refused(answer, 403)
        assert answer.json()["verify_url"] == VERIFY
        assert client.post(VERIFY, {"code": open_page(client)}).status_code == 302
        assert AsyncBrowser(client).get(path).json() == "secret"


def test_an_old_code_is_asked_for_again(verified: Client, clock: Clock) -> None:
    """Step-up, by the session and by a token beside it."""
    path = "/ninja/fresh"
    assert verified.get(path).json() == "secret"
    clock.advance(61)
    views.RAN.clear()
    assert is_refused(verified.get(path), 403)
    assert is_refused(verified.get(path, headers=bearer("alice")), 403)
    assert verified.post(VERIFY, {"code": open_page(verified)}).status_code == 302
    assert verified.get(path, headers=bearer("alice")).json() == "secret"


def test_a_token_of_a_user_who_is_too_late_says_how_fresh(browser_of: Any, alice: Any) -> None:
    answer = browser_of().get("/ninja/fresh", headers=bearer("alice"))
    assert is_refused(answer, 401)
    assert answer["WWW-Authenticate"].endswith(', max_age="60"')


def test_whom_the_gate_hides_is_asked_for_the_code(half: Client, settings: Any) -> None:
    """On an exempt operation nobody is seen, and a login would not help."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["sync:*"]}
    for browser in (half, AsyncBrowser(half)):
        for path in [*paths("session"), *paths("token")]:
            assert is_refused(browser.get(path, headers=bearer("nobody")), 403), path


def test_report_mode_counts_and_lets_pass(browser_of: Any, alice: Any, settings: Any) -> None:
    settings.OTP_GATE = {"MODE": "report"}
    for path in [*paths("token"), *paths("atoken")]:
        assert browser_of().get(path, headers=bearer("alice")).json() == "secret"
    from tests.commands import manage

    assert "alice" in manage("report").out


def test_the_document_of_the_api_names_the_authentication(db: None) -> None:
    """As without `verified`; a function has nothing to say there."""
    schemes = Client().get("/ninja/openapi.json").json()["components"]["securitySchemes"]
    assert {"Token", "AsyncToken", "Password", "SessionAuth"} <= set(schemes)
    assert schemes["Token"] == {"type": "http", "scheme": "bearer"}


def test_an_api_that_is_not_found_refuses_all_the_same(alice: Any, rf: Any) -> None:
    """Called by a project's own code, without a view of ninja's: refused with ninja's own text."""
    from ninja.errors import HttpError

    from otp_gate import ninja
    from tests.urlconfs.ninja import Token

    def ask(request: Any) -> Any:
        return ninja.verified(Token())(request)

    from otp_gate.middleware import OTPGateMiddleware

    request = rf.get("/", headers=bearer("alice"))
    request.session = Client().session
    from django.contrib.auth.models import AnonymousUser

    request.user = AnonymousUser()
    request.resolver_match = None
    with pytest.raises(HttpError) as refused:
        OTPGateMiddleware(ask)(request)
    assert refused.value.status_code == 401


def test_without_the_gate_nothing_passes(alice: Any, rf: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from otp_gate import ninja
    from tests.urlconfs.ninja import Token

    request = rf.get("/", headers=bearer("alice"))
    request.user = None
    with pytest.raises(ImproperlyConfigured):
        ninja.verified(Token())(request)
