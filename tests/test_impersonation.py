"""Acting as somebody else: by default that one's code is asked for; the project may say otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from otp_gate.impersonation import carry_back, carry_over, stay_verified
from tests import views
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import CANCEL, LOGIN, VERIFY, log_in, open_page, pass_gate

pytest.importorskip("hijack")

ACQUIRE, RELEASE = "/hijack/acquire/", "/hijack/release/"
SECRET = "/secret/"
STAFF = {"POLICY": "otp_gate.policy.staff"}


@pytest.fixture(autouse=True)
def site(settings: Any, db: None) -> None:
    """A site that has django-hijack, installed as its documentation says."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "hijack"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "hijack.middleware.HijackUserMiddleware"]
    settings.ROOT_URLCONF = "tests.urlconfs.impersonation"


@pytest.fixture
def connected() -> Iterator[None]:
    """The two lines of the project that says so."""
    from hijack.signals import hijack_ended, hijack_started

    hijack_started.connect(stay_verified)
    hijack_ended.connect(stay_verified)
    yield
    hijack_started.disconnect(stay_verified)
    hijack_ended.disconnect(stay_verified)


@pytest.fixture
def root(passed: Any, alice: Any, bob: Any) -> Any:
    """Alice's browser after password and code; she may act as everybody."""
    User.objects.filter(pk=alice.pk).update(is_superuser=True, is_staff=True)
    return restarted(passed)


def act_as(client: Any, user: Any) -> None:
    """Begin to act as that user, as the button of django-hijack does."""
    response = client.post(ACQUIRE, {"user_pk": user.pk, "next": SECRET})
    assert (response.status_code, response["Location"]) == (302, SECRET)
    views.RAN.clear()


def be_oneself(client: Any) -> None:
    """Stop acting as somebody else, as the notice of django-hijack does."""
    response = client.post(RELEASE, {"next": SECRET})
    assert (response.status_code, response["Location"]) == (302, SECRET)
    views.RAN.clear()


def key(client: Any) -> str:
    return str(client.cookies["sessionid"].value)


# By default


def test_who_acts_as_somebody_is_asked_for_that_ones_code(
    root: Any, bob: Any, mailoutbox: Any
) -> None:
    """It goes to the mailbox of the one whom he acts as, and to no other."""
    act_as(root, bob)
    mailoutbox.clear()
    assert_held(root.get(SECRET), SECRET)
    page = root.get(VERIFY)
    assert (page.status_code, mailoutbox[-1].to) == (200, ["bob@example.com"])
    # The notice of django-hijack acts for the user of the request, of whom no code is known yet.
    assert "on behalf of <em>bob</em>" not in page.content.decode()
    views.RAN.clear()
    assert_held(root.post(RELEASE))


def test_who_acts_as_somebody_may_sign_out(root: Any, bob: Any) -> None:
    """Never a trap: then he logs in as himself."""
    act_as(root, bob)
    assert root.post(CANCEL)["Location"] == LOGIN
    assert root.get(SECRET).content == b"secret of nobody"
    pass_gate(root)
    assert root.get(SECRET).content == b"secret of alice"


def test_a_site_may_leave_the_way_back_open(root: Any, bob: Any, mailoutbox: Any) -> None:
    """Then he is himself again, and half-authenticated: his own code leads further."""
    act_as(root, bob)
    assert root.post("/open-release/", {"next": SECRET})["Location"] == SECRET
    views.RAN.clear()
    assert_held(root.get(SECRET), SECRET)
    code = open_page(root)
    assert mailoutbox[-1].to == ["alice@example.org"]
    root.post(VERIFY, {"code": code})
    assert root.get(SECRET).content == b"secret of alice"


# Where the project says so


def test_a_verified_user_stays_verified(
    connected: None, root: Any, bob: Any, mailoutbox: Any
) -> None:
    """There and back, by sync and async views, with no mail to anybody."""
    mailoutbox.clear()
    act_as(root, bob)
    assert root.get(SECRET).content == b"secret of bob"
    assert root.get("/asecret/").content == b"secret of bob"
    assert root.get("/status/").json()["status"] == "verified"
    be_oneself(root)
    assert root.get(SECRET).content == b"secret of alice"
    assert root.get("/asecret/").content == b"secret of alice"
    assert mailoutbox == []


@pytest.mark.parametrize("place", ["before", "after"])
def test_wherever_the_middleware_of_hijack_stands(
    connected: None, settings: Any, root: Any, bob: Any, place: str
) -> None:
    """It puts a copy of the user into each request."""
    name = "hijack.middleware.HijackUserMiddleware"
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if item != name]
    put_around_gate(settings, **{place: [name]})
    restarted(root)
    act_as(root, bob)
    assert root.get(SECRET).content == b"secret of bob"
    be_oneself(root)
    assert root.get(SECRET).content == b"secret of alice"


def test_the_session_changes_as_with_every_login(connected: None, root: Any, bob: Any) -> None:
    """A new key each time; the one before is worth nothing, and one person's mark is no other's."""
    keys = [key(root)]
    for step in (lambda: act_as(root, bob), lambda: be_oneself(root)):
        step()
        keys.append(key(root))
    assert len(set(keys)) == 3
    for old in keys[:2]:
        browser = Client()
        browser.cookies["sessionid"] = old
        assert browser.get(SECRET).content == b"secret of nobody"


def test_the_csrf_token_changes_as_with_every_login(connected: None, root: Any, bob: Any) -> None:
    """And the one of the page that he is shown then is what he posts with."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = root.cookies
    page = strict.get(LOGIN).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    before = strict.cookies["csrftoken"].value
    assert strict.post(ACQUIRE, {"user_pk": bob.pk}).status_code == 403
    fields = {"user_pk": bob.pk, "csrfmiddlewaretoken": token}
    assert strict.post(ACQUIRE, fields).status_code == 302
    assert strict.cookies["csrftoken"].value != before
    assert strict.post(RELEASE, {"csrfmiddlewaretoken": token}).status_code == 403
    page = strict.get(LOGIN).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert strict.post(RELEASE, {"csrfmiddlewaretoken": token}).status_code == 302


def test_time_and_factor_stay_what_they_were(
    connected: None, nobody: Any, alice: Any, bob: Any, clock: Clock
) -> None:
    """Acting as somebody else is no way to have typed the code in later."""
    pass_gate(nobody)
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    before = nobody.get("/status/").json()
    for step in (lambda: act_as(nobody, bob), lambda: be_oneself(nobody)):
        clock.advance(1000)
        step()
        told = nobody.get("/status/").json()
        assert (told["verified_at"], told["factor"]) == (before["verified_at"], "email")


def test_the_time_of_the_verification_goes_on(
    connected: None, settings: Any, nobody: Any, alice: Any, bob: Any, clock: Clock
) -> None:
    """VERIFIED_TTL ends for both at one moment: held then, and not logged out."""
    settings.OTP_GATE = {"VERIFIED_TTL": 3600}
    pass_gate(nobody)
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    clock.advance(1000)
    act_as(nobody, bob)
    clock.advance(2580)
    assert nobody.get(SECRET).content == b"secret of bob"
    clock.advance(21)
    views.RAN.clear()
    assert_held(nobody.get(SECRET), SECRET)


def test_one_who_acts_as_somebody_acts_as_a_third(
    connected: None, root: Any, bob: Any, admin_user: Any
) -> None:
    """And comes back the whole way."""
    act_as(root, admin_user)
    act_as(root, bob)
    assert root.get(SECRET).content == b"secret of bob"
    be_oneself(root)
    assert root.get(SECRET).content == b"secret of root"
    be_oneself(root)
    assert root.get(SECRET).content == b"secret of alice"


def test_one_who_acts_as_himself(connected: None, root: Any, alice: Any) -> None:
    """An odd thing to do, and no way to lose or to win anything."""
    act_as(root, alice)
    assert root.get(SECRET).content == b"secret of alice"
    be_oneself(root)
    assert root.get(SECRET).content == b"secret of alice"


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file", "signed_cookies"])
def test_with_every_session_engine(
    connected: None, use_engine: Any, alice: Any, bob: Any, nobody: Any, engine: str
) -> None:
    """There and back."""
    use_engine(engine)
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    pass_gate(nobody)
    act_as(nobody, bob)
    assert nobody.get(SECRET).content == b"secret of bob"
    be_oneself(nobody)
    assert nobody.get(SECRET).content == b"secret of alice"


# A code again, while acting as somebody


def test_a_code_again_is_the_code_of_whom_he_acts_as(
    connected: None, nobody: Any, alice: Any, bob: Any, clock: Clock, mailoutbox: Any
) -> None:
    """So what is behind a step-up stays shut to him; all else stays open, and the way back."""
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    pass_gate(nobody)
    act_as(nobody, bob)
    assert nobody.get("/step-up/").content == b"stepped up"
    clock.advance(301)
    assert nobody.get("/step-up/")["Location"] == f"{VERIFY}?next=/step-up/"
    nobody.get(VERIFY)
    assert mailoutbox[-1].to == ["bob@example.com"]
    assert nobody.get(SECRET).content == b"secret of bob"
    be_oneself(nobody)
    assert nobody.get(SECRET).content == b"secret of alice"


def test_the_code_of_another_renews_nobody(
    connected: None, nobody: Any, alice: Any, bob: Any, clock: Clock
) -> None:
    """Who can read Bob's mail as well is, back as himself, asked for his own code again."""
    User.objects.update(is_superuser=True)
    pass_gate(nobody)
    act_as(nobody, bob)
    clock.advance(301)
    nobody.get("/step-up/")
    nobody.post(VERIFY, {"code": open_page(nobody)})
    assert nobody.get("/step-up/").content == b"stepped up"
    be_oneself(nobody)
    assert nobody.get("/step-up/")["Location"] == f"{VERIFY}?next=/step-up/"


def test_nor_does_it_on_the_way_round(
    connected: None, nobody: Any, alice: Any, bob: Any, clock: Clock
) -> None:
    """Where Bob may act as Alice: she acts as him, types in his code, and acts as herself."""
    User.objects.update(is_superuser=True)
    pass_gate(nobody)
    act_as(nobody, bob)
    clock.advance(301)
    nobody.get("/step-up/")
    nobody.post(VERIFY, {"code": open_page(nobody)})
    act_as(nobody, alice)
    assert nobody.get(SECRET).content == b"secret of alice"
    assert nobody.get("/step-up/")["Location"] == f"{VERIFY}?next=/step-up/"


# Who carries nothing over


def test_whom_the_policy_leaves_alone_opens_nobody_else(
    connected: None, settings: Any, nobody: Any, alice: Any, admin_user: Any
) -> None:
    """A supporter who needs no code acts as an administrator who needs one."""
    settings.OTP_GATE = STAFF
    settings.HIJACK_PERMISSION_CHECK = "tests.policies.anybody"
    log_in(nobody)
    assert nobody.get(SECRET).content == b"secret of alice"
    act_as(nobody, admin_user)
    assert_held(nobody.get(SECRET), SECRET)
    assert_held(nobody.get("/admin/"), "/admin/")


def test_a_code_of_another_is_no_proof_of_ones_own(
    connected: None, settings: Any, nobody: Any, alice: Any, admin_user: Any
) -> None:
    """Who needs none, and typed in that of whom he acted as, comes back with nothing."""
    settings.OTP_GATE = STAFF
    settings.HIJACK_PERMISSION_CHECK = "tests.policies.anybody"
    log_in(nobody)
    act_as(nobody, admin_user)
    nobody.post(VERIFY, {"code": open_page(nobody)})
    assert nobody.get(SECRET).content == b"secret of root"
    be_oneself(nobody)
    assert nobody.get("/status/").json()["status"] == "not_required"
    assert nobody.get("/any-age/")["Location"] == f"{VERIFY}?next=/any-age/"
    settings.OTP_GATE = {}
    views.RAN.clear()
    assert_held(nobody.get(SECRET), SECRET)


def test_one_who_needs_a_code_acts_as_one_who_needs_none(
    connected: None, settings: Any, root: Any, bob: Any
) -> None:
    """And is as verified as before when he comes back."""
    settings.OTP_GATE = STAFF
    act_as(root, bob)
    assert root.get(SECRET).content == b"secret of bob"
    be_oneself(root)
    assert root.get("/admin/").status_code == 200


def test_the_half_authenticated_act_as_nobody(
    connected: None, held: Any, alice: Any, bob: Any
) -> None:
    """The gate stands before it."""
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    assert_held(restarted(held).post(ACQUIRE, {"user_pk": bob.pk}))
    assert_held(held.get(SECRET), SECRET)


def test_nor_in_report_mode(
    connected: None, settings: Any, held: Any, alice: Any, bob: Any
) -> None:
    """There they may; and are half-authenticated on the day that the gate is switched on."""
    settings.OTP_GATE = {"MODE": "report"}
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    act_as(restarted(held), bob)
    assert held.get(SECRET).content == b"secret of bob"
    settings.OTP_GATE = {}
    views.RAN.clear()
    assert_held(held.get(SECRET), SECRET)


@pytest.mark.parametrize("page", ["/open-become/bob/", "/seen-become/bob/"])
def test_an_exempt_page_carries_nothing_over(held: Any, bob: Any, page: str) -> None:
    """Whether it is shown who is half-authenticated or not."""
    assert restarted(held).get(page).content == b"False"
    views.RAN.clear()
    assert_held(held.get(SECRET), SECRET)


@pytest.mark.parametrize("page", ["/become/bob/", "/abecome/bob/", "/come-back/bob/", "/lend/bob/"])
def test_strangers_carry_nothing_over(nobody: Any, bob: Any, page: str) -> None:
    """Who is nobody has nothing."""
    assert nobody.get(page).content == b"False"
    nobody.get("/become/bob/")
    views.RAN.clear()
    assert_held(nobody.get(SECRET), SECRET)


def test_a_login_is_no_impersonation(connected: None, root: Any, bob: Any) -> None:
    """Who logs in by password in a verified session is half-authenticated as ever."""
    log_in(root, "bob")
    assert_held(root.get(SECRET), SECRET)


# Other tools


@pytest.mark.parametrize("become", ["/become/bob/", "/abecome/bob/"])
@pytest.mark.parametrize("back", ["/come-back/alice/", "/acome-back/alice/"])
def test_a_tool_that_logs_in(root: Any, become: str, back: str) -> None:
    """Sync or async, with a log-out before the way back or without."""
    assert root.get(become).content == b"True"
    assert root.get("/asecret/").content == b"secret of bob"
    assert root.get(back).content == b"True"
    assert root.get("/asecret/").content == b"secret of alice"


def test_a_tool_that_lends(settings: Any, root: Any, admin_user: Any) -> None:
    """There and back; and the identity that was lent before is asked for its code again."""
    put_around_gate(settings, after=["tests.middlewares.LendsBySession"])
    restarted(root)
    assert root.get("/lend/bob/").content == b"True"
    for page in ("/secret/", "/asecret/"):
        assert root.get(page).status_code == 200
    assert root.get(SECRET).content == b"secret of bob"
    assert root.get("/take-back/").content == b"True"
    assert root.get(SECRET).content == b"secret of alice"
    put_around_gate(settings, before=["tests.middlewares.Lends"])
    restarted(root)
    views.RAN.clear()
    assert_held(root.get(SECRET, headers={"x-lend": "bob"}), SECRET)


def test_what_was_lent_does_not_outlive_the_login(settings: Any, root: Any, bob: Any) -> None:
    """The lender logs in anew: nobody in this session is verified."""
    put_around_gate(settings, after=["tests.middlewares.LendsBySession"])
    assert restarted(root).get("/lend/bob/").content == b"True"
    log_in(root)
    views.RAN.clear()
    assert_held(root.get(SECRET), SECRET)


def test_called_before_the_login_it_is_of_no_use(root: Any) -> None:
    """The login that follows ends what was carried over."""
    root.get("/too-early/")
    assert_held(root.get(SECRET), SECRET)


def test_after_a_log_out_there_is_nobody(root: Any) -> None:
    """To carry anything over to."""
    assert root.get("/log-out-and-carry/").content == b"False False"
    assert root.get(SECRET).content == b"secret of nobody"


def test_where_no_gate_stands_nothing_is_carried(alice: Any, bob: Any) -> None:
    """In a test of the project's own, say, that makes its request by hand."""
    request = RequestFactory().get("/")
    request.session = Client().session
    assert not carry_over(request, bob)
    assert not carry_back(request)
    stay_verified(request=request, hijacker=alice, hijacked=bob)
    assert dict(request.session.items()) == {}


def test_it_is_written_down(
    connected: None, root: Any, alice: Any, bob: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Who acted as whom without a code of that one."""
    with caplog.at_level("INFO", "otp_gate"):
        act_as(root, bob)
        be_oneself(root)
    told = [record.getMessage() for record in caplog.records]
    assert f"Carried over: user {alice.pk} acts as user {bob.pk}" in told
    assert f"Carried back: user {alice.pk} acts as himself" in told
