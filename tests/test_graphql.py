"""GraphQL: the resolver asks for the code of the user for whom it acts, when it acts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import views
from tests.browsers import AsyncBrowser, post_json
from tests.clock import Clock
from tests.helpers import PASSWORD, VERIFY, open_page

SYNC = ["/strawberry/", "/graphene/", "/ariadne/"]
PATHS = [*SYNC, "/astrawberry/", "/aariadne/"]
BECOME = f'mutation {{ become(name: "alice", password: "{PASSWORD}") transfer }}'


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.graphql"


def ask(client: Any, path: str, query: str) -> Any:
    answer = post_json(client, path, {"query": query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def code_of(answer: Any) -> str:
    """Return the code of the one error; no resolver behind it has run."""
    [error] = answer["errors"]
    assert not views.RAN["graphql"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("path", PATHS)
def test_the_verified_are_answered(passed: Any, path: str) -> None:
    """In the context of each library, sync and async."""
    assert ask(passed, path, "{ secret }")["data"] == {"secret": "alice"}


@pytest.mark.parametrize("path", PATHS)
def test_another_user_in_the_same_document_is_not_verified(bob: Any, alice: Any, path: str) -> None:
    """A token or a password for Alice, in the session that Bob has verified."""
    from otp_gate.testing import verify

    client = Client()
    client.force_login(bob)
    verify(client)
    for browser in (client, AsyncBrowser(client)):
        answer = ask(browser, path, BECOME)
        assert code_of(answer) == "otp_required"
        assert "verify_url" not in answer["errors"][0]["extensions"]


@pytest.mark.parametrize("path", PATHS)
def test_whom_no_session_names_is_not_verified(nobody: Any, alice: Any, path: str) -> None:
    """No login, and a user who was named by a password in the same document."""
    answer = ask(nobody, path, "{ secret }")
    assert code_of(answer) == "login_required"
    assert answer["errors"][0]["extensions"]["login_url"] == "/login/"
    assert code_of(ask(nobody, path, BECOME)) == "otp_required"


@pytest.mark.parametrize("path", PATHS)
def test_whom_no_policy_asks_is_asked_here(alice: Any, settings: Any, path: str) -> None:
    """With the page where the code is typed in; then the resolver answers."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.superusers"}
    client = Client()
    client.force_login(alice)
    for browser in (client, AsyncBrowser(client)):
        answer = ask(browser, path, "{ secret }")
        assert code_of(answer) == "otp_required"
        assert answer["errors"][0]["extensions"]["verify_url"] == VERIFY
    assert client.post(VERIFY, {"code": open_page(client)}).status_code == 302
    assert ask(client, path, "{ secret }")["data"] == {"secret": "alice"}


@pytest.mark.parametrize("path", PATHS)
def test_an_old_code_is_asked_for_again(
    passed: Any, verified: Client, clock: Clock, path: str
) -> None:
    assert ask(passed, path, "{ fresh }")["data"] == {"fresh": "fresh"}
    clock.advance(61)
    views.RAN.clear()
    assert code_of(ask(passed, path, "{ fresh }")) == "otp_required"
    assert verified.post(VERIFY, {"code": open_page(verified)}).status_code == 302
    assert ask(verified, path, "{ fresh }")["data"] == {"fresh": "fresh"}


@pytest.mark.parametrize("path", ["/astrawberry/", "/aariadne/"])
def test_a_session_of_an_old_password_is_nobodys(averified: Any, alice: Any, path: str) -> None:
    """An async resolver that awaits the check learns it, for then the user is loaded."""
    alice.set_password("another one")
    alice.save()
    browser = AsyncBrowser(Client())
    browser.client = averified
    assert code_of(ask(browser, path, "{ secret }")) == "login_required"


def test_whom_the_gate_hides_is_asked_for_the_code(held: Any) -> None:
    """On an exempt view a login would not help."""
    answer = ask(held, "/exempt/", "{ secret }")
    assert code_of(answer) == "otp_required"
    assert answer["errors"][0]["extensions"]["verify_url"] == VERIFY


@pytest.mark.parametrize("path", PATHS)
def test_report_mode_counts_and_lets_pass(alice: Any, settings: Any, path: str) -> None:
    from tests.commands import manage

    settings.OTP_GATE = {"MODE": "report"}
    client = Client()
    client.force_login(alice)
    for browser in (client, AsyncBrowser(client)):
        assert ask(browser, path, "{ secret }")["data"] == {"secret": "alice"}
    assert "alice" in manage("report").out


def test_a_context_without_a_request_is_refused(passed: Any) -> None:
    """A mistake of the project's: the resolver does not run."""
    [error] = ask(passed, "/without/", "{ secret }")["errors"]
    assert "no request" in error["message"]
    assert not views.RAN["graphql"]
