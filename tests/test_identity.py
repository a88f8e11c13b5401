"""Two ways of asking who it is, `request.user` and `await request.auser()`, and two answers.

What each of them does alone is told in `test_second_door`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests import views
from tests.gates import assert_held, put_around_gate, restarted


@pytest.fixture(params=["before", "after"])
def where(request: pytest.FixtureRequest) -> str:
    """On which side of the gate the other middleware stands."""
    return str(request.param)


def put(settings: Any, where: str, name: str) -> None:
    put_around_gate(settings, **{where: [f"tests.middlewares.{name}"]})


@pytest.mark.parametrize("policy", ["everyone", "staff"])
@pytest.mark.parametrize("page", ["/secret/", "/asecret/"])
def test_who_is_named_by_auser_alone_is_held(
    settings: Any, nobody: Any, alice: Any, where: str, page: str, policy: str
) -> None:
    """An async view asks `auser`: whom only that names has typed no code either."""
    settings.OTP_GATE = {"POLICY": f"otp_gate.policy.{policy}"}
    put(settings, where, "AsyncOnly")
    assert_held(restarted(nobody).get(page, headers={"x-auser": "alice"}), page)
    assert nobody.get(page).status_code == 200


def test_who_is_named_by_auser_alone_is_not_hidden_from_himself(
    settings: Any, passed: Any, bob: Any, where: str
) -> None:
    """The verified user himself passes; another user in his place does not."""
    put(settings, where, "AsyncOnly")
    page = "/asecret/"
    assert restarted(passed).get(page, headers={"x-auser": "alice"}).content == b"secret of alice"
    views.RAN.clear()
    assert_held(passed.get(page, headers={"x-auser": "bob"}), page)


@pytest.mark.parametrize("page", ["/secret/", "/asecret/"])
def test_a_policy_is_asked_where_both_name_one(
    settings: Any, held: Any, where: str, page: str
) -> None:
    """Whoever answers `auser`: it is the user of the session, of whom no code is asked."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    put(settings, where, "AsyncOnly")
    assert restarted(held).get(page, headers={"x-auser": "alice"}).content == b"secret of alice"


@pytest.mark.parametrize("how", ["at-once", "looked"])
def test_a_mask_that_forgets_auser_is_held(settings: Any, held: Any, where: str, how: str) -> None:
    """`request.user` is nobody, and `auser` still the half-authenticated user."""
    put(settings, where, "MasksUser")
    assert_held(restarted(held).get("/asecret/", headers={"x-stranger": how}), "/asecret/")


def test_a_mask_over_a_verified_user_passes(settings: Any, passed: Any, where: str) -> None:
    """What the other way of asking shows is verified."""
    put(settings, where, "MasksUser")
    assert (
        restarted(passed).get("/secret/", headers={"x-stranger": "1"}).content
        == b"secret of nobody"
    )
