"""django-ninja and GraphQL: the gate and `otp_required` before views of other packages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import views
from tests.browsers import post_json
from tests.clock import Clock
from tests.helpers import VERIFY, open_page

ASKED = ["/ninja/secret/", "/graphql/", "/agraphql/"]
STEP_UPS = ["/ninja/step-up/", "/ninja/astep-up/", "/graphql/step-up/", "/agraphql/step-up/"]
QUERY = {"query": "{ secret }"}


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.api"


def ask(client: Any, path: str) -> Any:
    """Ask as the clients of these frameworks do."""
    if path == "/ninja/step-up/":
        return client.get(path, headers={"accept": "application/json"})
    return post_json(client, path, QUERY)


@pytest.mark.parametrize("path", [*ASKED, *STEP_UPS])
def test_the_gate_answers_with_a_problem_document(held: Any, path: str) -> None:
    """Also to a POST, which is what GraphQL speaks; no resolver has run."""
    answer = ask(held, path)
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["verify_url"]) == ("otp_required", VERIFY)
    assert not views.RAN


@pytest.mark.parametrize("path", ASKED)
def test_the_verified_are_answered(passed: Any, path: str) -> None:
    """With who they are."""
    assert "alice" in ask(passed, path).content.decode()


@pytest.mark.parametrize("path", STEP_UPS)
def test_otp_required_asks_again(verified: Client, path: str, clock: Clock) -> None:
    """After its time, and until the code has been typed in; then the view answers."""
    assert ask(verified, path).status_code == 200
    clock.advance(301)
    views.RAN.clear()
    answer = ask(verified, path)
    assert (answer.status_code, answer.json()["code"]) == (403, "otp_required")
    assert not views.RAN
    assert verified.post(VERIFY, {"code": open_page(verified)}).status_code == 302
    assert ask(verified, path).status_code == 200
    assert views.RAN


def test_a_step_up_of_ninja_keeps_the_parameters(verified: Client) -> None:
    """The decorator hides nothing of the signature."""
    assert verified.get("/ninja/step-up/?page=7").json() == {"page": 7}
    assert verified.post("/ninja/astep-up/?page=x").status_code == 422


def test_a_token_of_ninja_is_not_enough(client: Client, db: None) -> None:
    """Whoever has only that is asked to log in."""
    answer = client.post(
        "/ninja/token/", {}, "application/json", headers={"authorization": "Bearer anybody"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "login_required")
    assert not views.RAN
