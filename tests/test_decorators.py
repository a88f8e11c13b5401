"""`otp_exempt` and `otp_required`: in every form, on every kind of view, on every server."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from otp_gate.decorators import otp_exempt, otp_required
from otp_gate.policy import staff
from tests import views
from tests.browsers import post_json
from tests.clock import Clock
from tests.gates import GATE, assert_held, restarted
from tests.helpers import JSON, LOGIN, VERIFY, last_code, log_in, open_page
from tests.urlconfs.decorated import CACHED, DECORATORS, KINDS, STORED, function

pytestmark = pytest.mark.usefixtures("decorated")


@pytest.fixture
def decorated(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.decorated"


def pages(*prefixes: str) -> list[str]:
    """Return the addresses of a view of every kind under every decorator so called."""
    return [
        f"/{name}/{kind}/" for name in DECORATORS if name.startswith(prefixes) for kind in KINDS
    ]


def exempt_pages(prefix: str) -> list[str]:
    """Return those that an exemption opens: the view of a subclass is not among them."""
    return [page for page in pages(prefix) if not page.endswith("/late-async-class/")]


def test_exempt_hides(held: Any) -> None:
    """The view runs, and sees nobody."""
    for page in exempt_pages("exempt"):
        assert held.get(page).content == b"secret of nobody", page


def test_exempt_reveals(held: Any) -> None:
    """The view runs, and sees who is half-authenticated."""
    for page in exempt_pages("reveal"):
        assert held.get(page).content == b"secret of alice", page


def test_the_verified_notice_no_decorator(passed: Any) -> None:
    """Right after the code everything is open."""
    for page in pages(""):
        assert passed.get(page).content == b"secret of alice", page


def test_required_is_shut_for_the_half_authenticated(held: Any) -> None:
    """Like every other view."""
    for page in pages("required"):
        assert_held(held.get(page), page)


def test_required_sends_strangers_to_the_login(nobody: Any) -> None:
    """A code needs a person; a program is told so."""
    for page in pages("required"):
        assert nobody.get(page)["Location"] == f"{LOGIN}?next={page}"
        response = nobody.get(page, headers=JSON)
        assert (response.status_code, response.json()["code"]) == (403, "login_required")
        assert response.json()["login_url"] == LOGIN
    assert not views.RAN


def test_required_asks_whom_the_policy_lets_through(settings: Any, alice: Any, nobody: Any) -> None:
    """Some views may ask for a code on a site that asks nobody elsewhere."""
    settings.OTP_GATE = {"POLICY": staff}
    log_in(nobody)
    for page in pages("required"):
        assert_held(nobody.get(page), page)
    assert nobody.get("/secret/").content == b"secret of alice"
    response = nobody.post(f"{VERIFY}?next={page}", {"code": open_page(nobody)})
    assert response["Location"] == page
    for page in pages("required"):
        assert nobody.get(page).content == b"secret of alice", page


def test_step_up(passed: Any, clock: Clock) -> None:
    """A code typed in too long ago is asked for again; everything else stays open."""
    aged = pages("required-300", "required-delta")
    clock.advance(290)
    for page in aged:
        assert passed.get(page).status_code == 200
    views.RAN.clear()
    clock.advance(20)
    for page in aged:
        assert_held(passed.get(page), page)
    assert passed.get(page, headers=JSON).json()["code"] == "otp_required"
    assert passed.get("/secret/").content == b"secret of alice"
    response = passed.post(f"{VERIFY}?next={page}", {"code": open_page(passed)})
    assert response["Location"] == page
    for page in aged:
        assert passed.get(page).content == b"secret of alice", page


@pytest.mark.parametrize("name", ["required", "required-called", "required-ever"])
def test_without_an_age_any_code_of_this_login_will_do(
    passed: Any, clock: Clock, name: str
) -> None:
    """However long ago."""
    clock.advance(1_000_000)
    assert passed.get(f"/{name}/function/").status_code == 200


def test_a_second_tab_leaves_the_step_up_of_the_first(verified: Client, clock: Clock) -> None:
    """Two pages that ask at once are met by one code."""
    clock.advance(301)
    verified.get("/required-300/function/")
    code = open_page(verified)
    verified.get("/required-delta/class/")
    assert verified.post(VERIFY, {"code": code}).status_code == 302
    assert verified.get("/required-300/function/").status_code == 200
    assert verified.get("/required-delta/class/").status_code == 200


def test_a_step_up_that_nobody_finishes_ends_nothing(passed: Any, clock: Clock) -> None:
    """After PENDING_TTL the session is verified as before; the step-up may be begun again."""
    clock.advance(301)
    passed.get("/required-300/function/")
    code = open_page(passed)
    clock.advance(901)
    assert passed.get("/secret/").content == b"secret of alice"
    assert passed.get(VERIFY)["Location"] == "/"
    views.RAN.clear()
    assert_held(passed.get("/required-300/function/"), "/required-300/function/")
    passed.post(VERIFY, {"code": code})
    views.RAN.clear()
    assert_held(passed.get("/required-300/function/"), "/required-300/function/")


def test_a_step_up_by_a_program(passed: Any, clock: Clock) -> None:
    """Asked, sent, proved, in; all as JSON."""
    clock.advance(301)
    refusal = passed.get("/required-300/function/", headers=JSON).json()
    assert refusal["verify_url"] == VERIFY
    assert post_json(passed, f"{VERIFY}resend/").json()["status"] == "sent"
    answer = post_json(passed, VERIFY, {"code": last_code()})
    assert answer.json()["status"] == "verified"
    assert passed.get("/required-300/function/").status_code == 200


def test_required_does_not_outlive_the_password(passed: Any, alice: Any) -> None:
    """A session of the old password is nobody's, though it had typed in a code."""
    alice.set_password("another horse")
    alice.save()
    for kind in KINDS:
        assert passed.get(f"/required/{kind}/").status_code == 302
    assert not views.RAN


def test_required_does_not_outlive_the_user(passed: Any, alice: Any) -> None:
    """Nor does it let in who no longer exists."""
    alice.delete()
    page = "/required/function/"
    assert passed.get(page)["Location"] == f"{LOGIN}?next={page}"


@pytest.mark.parametrize("page", ["/both/", "/both-revealed/"])
def test_required_inside_exempt_is_required(held: Any, page: str) -> None:
    """The stricter of two decorators counts."""
    assert_held(held.get(page), page)


def test_required_in_report_mode_lets_through_and_tells(
    settings: Any, alice: Any, nobody: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is stopped by a step-up either."""
    settings.OTP_GATE = {"MODE": "report"}
    log_in(nobody)
    with caplog.at_level("INFO", logger="otp_gate"):
        assert nobody.get("/required/function/").content == b"secret of alice"
    assert "Would ask again: step-up" in caplog.messages


def test_required_without_the_gate_says_so(settings: Any, nobody: Any) -> None:
    """Never silently open: the error names the line to add."""
    settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if line != GATE]
    with pytest.raises(ImproperlyConfigured, match=GATE):
        restarted(nobody).get("/required/function/")
    assert not views.RAN


@pytest.mark.parametrize("decorate", [otp_exempt, otp_required])
def test_a_decorated_view_keeps_its_name(decorate: Any) -> None:
    """And its documentation."""
    assert decorate(function()).__name__ == "view"
    assert decorate(function()).__doc__ == "A view."


@pytest.mark.parametrize("age", [0, -1, "300", 1.5, True])
def test_an_age_that_cannot_be_meant(age: Any) -> None:
    """Refused when the view is made, not when it is visited."""
    with pytest.raises(ValueError, match="it must be"):
        otp_required(max_age=age)


# Caches


def test_site_cache_serves_no_answer_of_step_up(passed: Any, settings: Any, clock: Clock) -> None:
    """In the order that Django documents, with the gate between: the stale are asked again."""
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    restarted(passed)
    for page in pages("required-300"):
        assert passed.get(page).content == b"secret of alice"
    clock.advance(301)
    views.RAN.clear()
    for page in pages("required-300"):
        assert_held(passed.get(page), page)


def test_site_cache_keeps_what_wants_no_code(passed: Any, settings: Any) -> None:
    """As without a gate: no header is added there."""
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    restarted(passed)
    for _ in range(2):
        assert passed.get("/secret/").content == b"secret of alice"
    assert views.RAN["secret"] == 1


@pytest.mark.parametrize("page", ["cached-around", "cached-inside"])
def test_cached_view_serves_no_answer_to_the_stale(passed: Any, clock: Clock, page: str) -> None:
    """Around the step-up nothing is kept, and what is kept inside stands behind the question."""
    assert passed.get(f"/{page}/").content == b"secret of alice"
    clock.advance(301)
    views.RAN.clear()
    assert_held(passed.get(f"/{page}/"), f"/{page}/")


@pytest.mark.parametrize("page", [*CACHED, *STORED])
def test_answer_of_step_up_is_stored_by_no_cache(passed: Any, page: str) -> None:
    """Whatever the view says to a browser, a proxy or a CDN; and it is the answer of the view."""
    answer = passed.get(f"/{page}/")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    left = {
        "surrogate-control",
        "x-accel-expires",
        "cdn-cache-control",
        "cloudflare-cdn-cache-control",
    }
    assert not left & {name.lower() for name in answer.headers}
    assert answer["X-Own"] == "kept" if page in STORED else True
