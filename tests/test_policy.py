"""Who must pass: the shipped policies, a callable, an async one, a dotted path."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from otp_gate.policy import everyone, groups, staff, superusers
from tests import policies, views
from tests.clock import Clock
from tests.gates import assert_held
from tests.helpers import VERIFY, log_in, open_page, pass_gate


@pytest.fixture
def people(django_user_model: Any, alice: Any, bob: Any, admin_user: Any) -> None:
    """Alice is a user, Bob is staff and an accountant, root is a superuser."""
    bob.is_staff = True
    bob.save()
    bob.groups.add(Group.objects.create(name="accounts"))
    Group.objects.create(name="empty")


EVERYBODY = ["alice", "bob", "root"]
SHIPPED = [
    (None, EVERYBODY),
    (everyone, EVERYBODY),
    ("otp_gate.policy.everyone", EVERYBODY),
    (staff, ["bob", "root"]),
    ("otp_gate.policy.staff", ["bob", "root"]),
    (superusers, ["root"]),
    ("otp_gate.policy.superusers", ["root"]),
    (groups("accounts"), ["bob", "root"]),
    (groups("accounts", "empty"), ["bob", "root"]),
    (groups("empty"), ["root"]),
    (groups(), ["root"]),
    (lambda request: request.user.is_staff, ["bob", "root"]),
    (lambda request: request.path == "/secret/", EVERYBODY),
    (lambda request: 1, EVERYBODY),
    (lambda request: None, []),
    (policies.only_bob, ["bob"]),
    ("tests.policies.only_bob", ["bob"]),
    (policies.only_bob_async, ["bob"]),
    ("tests.policies.only_bob_async", ["bob"]),
    (policies.Named("bob"), ["bob"]),
    (policies.NamedAsync("bob"), ["bob"]),
]


@pytest.mark.parametrize(("policy", "held"), SHIPPED)
def test_a_policy_says_who_is_held(
    settings: Any, people: None, nobody: Any, policy: Any, held: list[str]
) -> None:
    """On either kind of server, whatever kind of callable it is."""
    if policy is not None:
        settings.OTP_GATE = {"POLICY": policy}
    for username in EVERYBODY:
        views.RAN.clear()
        log_in(nobody, username)
        response = nobody.get("/secret/")
        if username in held:
            assert_held(response, "/secret/")
            nobody.post("/otp/cancel/")
        else:
            assert response.content == f"secret of {username}".encode()
            assert nobody.get("/status/").json()["status"] == "not_required"
            nobody.post("/logout/")


@pytest.mark.parametrize("policy", [staff, policies.only_bob, policies.only_bob_async])
def test_strangers_are_anonymous_under_any_policy(settings: Any, nobody: Any, policy: Any) -> None:
    """A policy is asked about users only."""
    settings.OTP_GATE = {"POLICY": policy}
    assert nobody.get("/secret/").content == b"secret of nobody"
    assert nobody.get("/status/").json()["status"] == "anonymous"


@pytest.mark.parametrize("policy", [staff, policies.only_bob])
def test_who_no_longer_exists_is_anonymous_under_any_policy(
    settings: Any, alice: Any, nobody: Any, policy: Any
) -> None:
    """So is whoever was logged in and is gone."""
    settings.OTP_GATE = {"POLICY": policy}
    log_in(nobody)
    alice.delete()
    assert nobody.get("/secret/").content == b"secret of nobody"
    assert nobody.get("/status/").json()["status"] == "anonymous"


@pytest.mark.parametrize("policy", [staff, groups("staff"), policies.only_bob])
def test_who_comes_under_the_policy_is_asked_at_once(
    settings: Any, alice: Any, nobody: Any, clock: Clock, policy: Any
) -> None:
    """Held from the next request on, with a full PENDING_TTL, not logged out."""
    settings.OTP_GATE = {"POLICY": policy}
    log_in(nobody)
    clock.advance(2000)
    assert nobody.get("/secret/").status_code == 200
    views.RAN.clear()
    alice.is_staff, alice.username = True, "bob"
    alice.save()
    alice.groups.add(Group.objects.create(name="staff"))
    assert_held(nobody.get("/secret/"), "/secret/")
    clock.advance(899)
    assert nobody.post(VERIFY, {"code": open_page(nobody)}).status_code == 302
    assert nobody.get("/secret/").content == b"secret of bob"


def test_who_leaves_the_policy_is_let_in(settings: Any, bob: Any, nobody: Any) -> None:
    """With no code."""
    User.objects.update(is_staff=True)
    settings.OTP_GATE = {"POLICY": staff}
    log_in(nobody, "bob")
    assert_held(nobody.get("/secret/"), "/secret/")
    User.objects.update(is_staff=False)
    assert nobody.get("/secret/").content == b"secret of bob"


def test_who_need_not_pass_and_is_verified_all_the_same(
    settings: Any, alice: Any, nobody: Any
) -> None:
    """A mark counts before the policy is asked."""
    pass_gate(nobody)
    settings.OTP_GATE = {"POLICY": policies.broken}
    assert nobody.get("/secret/").content == b"secret of alice"


def test_a_broken_policy_opens_nothing(settings: Any, alice: Any, nobody: Any) -> None:
    """An error is an error, and not a pass."""
    log_in(nobody)
    settings.OTP_GATE = {"POLICY": policies.broken}
    with pytest.raises(RuntimeError, match="the policy is broken"):
        nobody.get("/secret/")
    assert not views.RAN


def test_a_policy_may_hold_some_pages_only(settings: Any, bob: Any, nobody: Any) -> None:
    """It is given the request: here one page alone is behind the gate, and its code is no loop."""
    settings.OTP_GATE = {"POLICY": lambda request: request.path == "/class/"}
    log_in(nobody, "bob")
    assert nobody.get("/secret/").content == b"secret of bob"
    assert nobody.get(VERIFY + "?next=/secret/")["Location"] == "/secret/"
    views.RAN.clear()
    assert_held(nobody.get("/class/"), "/class/")
    response = nobody.post(VERIFY + "?next=/class/", {"code": open_page(nobody)})
    assert response["Location"] == "/class/"
    assert nobody.get("/class/").content == b"secret of bob"
    assert nobody.get(VERIFY)["Location"] == "/"
