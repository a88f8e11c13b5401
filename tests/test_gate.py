"""The decision: each rule is one branch, and needs neither a request nor a server."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine
from django.urls import ResolverMatch

from otp_gate import conf, session
from otp_gate.gate.decision import (
    Evidence,
    Opening,
    Verdict,
    decide,
    decide_at_once,
    decide_blindly,
    decide_view,
)
from otp_gate.gate.login_views import is_login_view


def config(**raw: Any) -> conf.GateConfig:
    found, problems = conf.read(raw)
    assert found is not None, problems
    return found


DEFAULT, REPORT = config(), config(MODE="report")
STAFF = config(POLICY="otp_gate.policy.staff")
MARK = [1.0, "email"]
MARKED = {session.MARKS: {"1": MARK}}


NOW = time.time()


def waiting(seconds: float) -> dict[str, Any]:
    return {session.PENDING: ["nonce", NOW - seconds, False]}


@pytest.mark.parametrize(
    ("evidence", "setting", "verdict"),
    [
        (Evidence({}, None), DEFAULT, Verdict.ANONYMOUS),
        (Evidence({}, "1", None, MARK), DEFAULT, Verdict.VERIFIED),
        (Evidence({}, "1", None, MARK), STAFF, Verdict.VERIFIED),
        (Evidence({}, "1"), DEFAULT, Verdict.ASK_VIEW),
        (Evidence({}, "1"), STAFF, Verdict.ASK_POLICY),
        (Evidence({}, "1", required=False), STAFF, Verdict.NOT_REQUIRED),
        (Evidence({}, "1", required=True), STAFF, Verdict.ASK_VIEW),
        # The default policy is never asked, whatever stands there.
        (Evidence({}, "1", required=False), DEFAULT, Verdict.ASK_VIEW),
        # `auser` names another user: both need a code, and no policy speaks for two.
        (Evidence({}, "1", "2", MARK), DEFAULT, Verdict.ASK_VIEW),
        (Evidence({}, None, "2"), STAFF, Verdict.ASK_VIEW),
        (Evidence(MARKED, "2", "1", MARK), DEFAULT, Verdict.VERIFIED),
        (Evidence(MARKED, None, "1"), DEFAULT, Verdict.ANONYMOUS),
        (Evidence(waiting(10), "1"), DEFAULT, Verdict.ASK_VIEW),
        (Evidence(waiting(1000), "1"), DEFAULT, Verdict.EXPIRE),
        (Evidence(waiting(1000), "1"), REPORT, Verdict.ASK_VIEW),
        (Evidence(waiting(1000), "1", None, MARK), DEFAULT, Verdict.VERIFIED),
        (Evidence({}, "1", opening=Opening.HIDE_USER), DEFAULT, Verdict.HIDE_USER),
    ],
)
def test_the_verdict(evidence: Evidence, setting: conf.GateConfig, verdict: Verdict) -> None:
    """At the moment for which the evidence was written, however long the tests before took."""
    with time_machine.travel(NOW, tick=False):
        assert decide(evidence, setting) is verdict


@pytest.mark.parametrize("user_id", [None, "1"])
@pytest.mark.parametrize("mark", [None, MARK])
def test_the_short_way_gives_the_verdict_of_the_long_one(user_id: str | None, mark: Any) -> None:
    """Where it gives one: under every policy, and also where the time to verify is over."""
    data = {**MARKED, **waiting(1000)}
    verdicts = {decide(Evidence(data, user_id, None, mark), one) for one in (DEFAULT, STAFF)}
    found = decide_at_once(user_id, mark)
    assert (verdicts == {found}) is (found is not None)


def test_the_view_decides_about_a_half_authenticated_session() -> None:
    """In report mode everything passes, and what would have been refused is counted."""
    assert [decide_view(opening, DEFAULT) for opening in Opening] == [
        Verdict.REFUSE,
        Verdict.HIDE_USER,
        Verdict.SHOW_USER,
        Verdict.OWN_PAGE,
    ]
    assert [decide_view(opening, REPORT) for opening in Opening] == [
        Verdict.REPORT,
        *[Verdict.SHOW_USER] * 3,
    ]


def test_what_cannot_be_known_is_shut() -> None:
    assert decide_blindly(DEFAULT) is Verdict.UNKNOWN
    assert decide_blindly(REPORT) is Verdict.UNKNOWN_REPORTED


# Which views read their user after the login


def made(module: str, name: str = "view", **attributes: Any) -> Any:
    def view() -> None:
        pass

    view.__module__, view.__name__ = module, name
    for key, value in attributes.items():
        setattr(view, key, value)
    return view


def class_of(module: str) -> type:
    return type("View", (), {"__module__": module})


def test_login_views() -> None:
    """Recognised without an import of the packages that they come from."""
    from django.contrib.admin import AdminSite, site
    from django.contrib.auth.views import LoginView

    class Own(LoginView):
        pass

    class OwnSite(AdminSite):
        pass

    known = [
        LoginView.as_view(),
        Own.as_view(),
        site.login,
        OwnSite(name="own").login,
        made("allauth.socialaccount.providers.oauth2.views"),
        made("allauth.account.views._login"),
        made("site", view_class=class_of("allauth.headless.account.views")),
        made("site", __wrapped__=made("site", cls=class_of("dj_rest_auth.views"))),
    ]
    for view in known:
        assert is_login_view(ResolverMatch(view, (), {}), named=False)
    others = [
        made("site"),
        site.logout,
        made("site", name="login"),
        made("allauthors.views"),
        made("allauth.account.decorators"),
        made("site", view_class=class_of("allauth.account.mixins")),
        made("site", __wrapped__=made("dj_rest_auth.decorators")),
        made("site", view_class=class_of("django.views.generic.base")),
    ]
    for view in others:
        assert not is_login_view(ResolverMatch(view, (), {}), named=False)
    assert is_login_view(ResolverMatch(others[0], (), {}), named=True)
    for package in ("graphene_django", "strawberry", "ariadne"):
        view = made("site", view_class=class_of(f"{package}.views"))
        assert not is_login_view(ResolverMatch(view, (), {}), named=True)
    assert not is_login_view(None, named=True)
