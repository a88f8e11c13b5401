"""django-allauth headless: an app whose session comes in a header, and the attack by it."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import AsyncClient, Client, override_settings

from otp_gate import inventory
from otp_gate.checks.site import check_tokens
from otp_gate.conf import gate_config
from otp_gate.headless import tokens
from otp_gate.testing import verify
from tests import views
from tests.browsers import AsyncBrowser
from tests.gates import put_around_gate
from tests.helpers import CANCEL, PASSWORD, RESEND, VERIFY, codes_sent, wrong_code

APPS = ["allauth", "allauth.account", "allauth.headless"]
APP, BROWSER = "/_allauth/app/v1", "/_allauth/browser/v1"
MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"
JWT = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
ALICE = {"username": "alice", "password": PASSWORD}


@pytest.fixture(scope="module")
def tables(django_db_setup: None, django_db_blocker: Any) -> None:
    """The tables of allauth, made outside of any test's transaction."""
    from django.conf import settings
    from django.contrib.admin import site

    registered = dict(site._registry)
    with (
        django_db_blocker.unblock(),
        override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, MIDDLEWARE]),
        override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, *APPS]),
    ):
        call_command("migrate", "account", verbosity=0)
    # The admin of allauth would stay registered where allauth is not installed any more.
    site._registry.clear()
    site._registry.update(registered)


@pytest.fixture(autouse=True)
def site(tables: None, db: None, settings: Any) -> None:
    """A project with allauth, as its documentation says; no limit on logins, which tests do often."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *APPS]
    settings.ROOT_URLCONF = "tests.urlconfs.headless"
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ]
    settings.ACCOUNT_RATE_LIMITS = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"


class App:
    """A program: it keeps a token in place of cookies, as the documentation of allauth says."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client = client
        self.token: str | None = None
        self.access: str | None = None
        self.refresh: str | None = None

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.token is not None:
            headers["x-session-token"] = self.token
        asked = getattr(self.client, method)
        call = async_to_sync(asked) if isinstance(self.client, AsyncClient) else asked
        kind = {} if body is None else {"content_type": "application/json"}
        response = call(path, body or "", headers=headers, **kind)
        # Also where a cookie came along: it must be none of ours.
        assert "sessionid" not in response.cookies
        assert "csrftoken" not in response.cookies
        if "json" in response.get("Content-Type", ""):
            meta = response.json().get("meta") or {}
            self.token = meta.get("session_token", self.token)
            self.access = meta.get("access_token", self.access)
            self.refresh = meta.get("refresh_token", self.refresh)
        return response

    def log_in(self, **who: str) -> Any:
        self.token = None
        response = self.ask("post", f"{APP}/auth/login", who or ALICE)
        assert response.status_code == 200, response.content
        return response

    def ask_for_code(self) -> str:
        response = self.ask("post", RESEND, {})
        assert response.status_code == 200, response.content
        return codes_sent()[-1]

    def pass_gate(self) -> Any:
        self.log_in()
        response = self.ask("post", VERIFY, {"code": self.ask_for_code()})
        assert response.status_code == 200, response.content
        return response


@pytest.fixture(params=["wsgi", "asgi"])
def app(request: pytest.FixtureRequest, alice: Any) -> App:
    """An app of Alice's, or of whoever knows her password; no cookie jar, CSRF checked."""
    kind = Client if request.param == "wsgi" else AsyncClient
    return App(kind(enforce_csrf_checks=True))


def is_held(response: Any) -> bool:
    return (
        response.status_code == 403
        and response["Content-Type"] == "application/problem+json"
        and response.json()["code"] == "otp_required"
        and response.json()["verify_url"] == VERIFY
        and "no-store" in response["Cache-Control"]
    )


INSIDE = [
    ("get", "/auth/session", None),
    ("get", "/account/email", None),
    ("post", "/account/email", {"email": "mallory@example.net"}),
    ("patch", "/account/email", {"email": "mallory@example.net", "primary": True}),
    ("delete", "/account/email", {"email": "alice@example.org"}),
    (
        "post",
        "/account/password/change",
        {"current_password": PASSWORD, "new_password": "x9!x9!x9"},
    ),
    ("post", "/auth/reauthenticate", {"password": PASSWORD}),
    ("get", "/config", None),
    ("post", "/auth/login", ALICE),
    ("post", "/auth/signup", {**ALICE, "email": "new@example.net"}),
]


# The attack


def test_the_token_of_a_password_opens_nothing(app: App, alice: Any) -> None:
    """Reading the account, changing the password, taking the address: each is refused."""
    from allauth.account.models import EmailAddress

    app.log_in()
    for method, path, body in INSIDE:
        assert is_held(app.ask(method, APP + path, body)), path
    assert is_held(app.ask("get", "/own/"))
    assert not views.RAN
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert alice.email == "alice@example.org"
    assert not EmailAddress.objects.filter(email="mallory@example.net").exists()


def test_a_verified_cookie_lends_the_token_nothing(app: App, bob: Any) -> None:
    """The attacker's own verified session comes along; the session of the token is judged."""
    app.log_in()
    browser = Client()
    browser.force_login(bob)
    verify(browser)
    app.client.cookies = browser.cookies
    assert is_held(app.ask("get", f"{APP}/account/email"))
    assert is_held(app.ask("get", "/own/"))


def test_the_token_is_no_cookie_that_opens_more(app: App) -> None:
    """The token of a session is its key: in the cookie, it is the same half-authenticated session."""
    app.log_in()
    browser = Client()
    browser.cookies["sessionid"] = app.token
    assert browser.get(f"{BROWSER}/account/email", headers={"accept": "*/*"}).status_code == 302
    answer = browser.get("/who/", headers={"accept": "application/json"})
    assert is_held(answer)


def test_the_browser_client_is_held_by_its_cookie(alice: Any) -> None:
    """It is a session like any other."""
    browser = Client()
    answer = browser.post(f"{BROWSER}/auth/login", ALICE, "application/json")
    assert answer.status_code == 200
    for method, path, body in INSIDE:
        kind = {} if method == "get" else {"content_type": "application/json"}
        answer = getattr(browser, method)(
            BROWSER + path, body, headers={"accept": "application/json"}, **kind
        )
        assert is_held(answer), path


def test_an_unknown_token_opens_nothing(app: App) -> None:
    """allauth's own answer, and at the gate's page the way to the login."""
    app.token = "0" * 32
    assert app.ask("get", f"{APP}/auth/session").status_code == 410
    answer = app.ask("post", VERIFY, {"code": "123456"})
    assert (answer.status_code, answer.json()["code"]) == (403, "login_required")


def test_the_header_changes_nothing_elsewhere(app: App, verified: Client, half: Client) -> None:
    """On a page that is not allauth's, a session token is a header like any other."""
    app.pass_gate()
    token = {"x-session-token": app.token, "accept": "application/json"}
    assert is_held(half.get("/who/", headers=token))
    app.ask("delete", f"{APP}/auth/session")
    app.log_in()
    token["x-session-token"] = app.token
    assert verified.get("/who/", headers=token).json() == {"user": "alice"}
    assert AsyncBrowser(verified).get("/who/", headers=token).json() == {"user": "alice"}
    assert Client().get("/who/", headers=token).json() == {"user": ""}


def test_a_cookie_that_logs_in_on_the_way_is_held_too(app: App, settings: Any) -> None:
    """Both sessions are judged: that of the token, and that of the request."""
    app.pass_gate()
    put_around_gate(settings, before=["tests.middlewares.LogsInAtView"])
    browser = Client() if isinstance(app.client, Client) else AsyncBrowser(Client())
    headers = {"x-session-token": app.token, "x-log-in": "alice", "accept": "application/json"}
    assert is_held(browser.get("/own/", headers=headers))
    assert views.RAN["own"] == 0


# The way through


def test_an_app_types_the_code_in(app: App) -> None:
    """With no cookie and no CSRF token; the answer has the new session token, in `meta`."""
    app.log_in()
    old = app.token
    pending = app.ask("get", VERIFY)
    assert (pending.status_code, pending.json()["status"]) == (200, "none")
    assert not codes_sent()
    code = app.ask_for_code()
    wrong = app.ask("post", VERIFY, {"code": wrong_code()})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
    right = app.ask("post", VERIFY, {"code": code}, accept="text/html")
    assert (right.status_code, right.json()["status"]) == (200, "verified")
    assert app.token != old
    assert app.ask("get", f"{APP}/account/email").status_code == 200
    assert app.ask("get", "/own/").json() == {"user": "alice"}
    app.token = old
    assert app.ask("get", f"{APP}/auth/session").status_code == 410


def test_a_wrong_code_counts_over_app_and_browser(app: App, settings: Any) -> None:
    """One budget for the user, whatever the client."""
    app.log_in()
    app.ask_for_code()
    wrong = wrong_code()
    answers = [app.ask("post", VERIFY, {"code": wrong}) for _ in range(5)]
    assert [answer.json()["code"] for answer in answers] == ["invalid"] * 5
    assert app.ask("post", VERIFY, {"code": codes_sent()[-1]}).status_code != 200
    assert is_held(app.ask("get", f"{APP}/account/email"))


def test_whoever_is_half_in_can_log_out(app: App) -> None:
    """By allauth's own address, and by the gate's."""
    app.log_in()
    assert app.ask("delete", f"{APP}/auth/session").status_code == 401
    assert app.ask("get", f"{APP}/auth/session").status_code == 410
    app.token = None
    app.log_in()
    assert app.ask("post", CANCEL, {}).json()["status"] == "logged_out"
    assert app.ask("get", f"{APP}/auth/session").status_code == 410


def test_a_stranger_reaches_what_strangers_reach(app: App) -> None:
    """No token, and the token of a session in which nobody is logged in."""
    assert app.ask("get", f"{APP}/config").status_code == 200
    assert app.ask("get", f"{APP}/auth/session").status_code == 401
    assert app.ask("get", f"{APP}/account/email").status_code == 401


def test_a_page_of_another_site_posts_nothing(alice: Any) -> None:
    """Without the header a CSRF token is asked for, as before."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.post(RESEND).status_code == 403
    assert browser.post(RESEND, {}, "application/json").status_code == 403
    assert not codes_sent()


def test_the_cookie_of_the_request_is_left_alone(app: App, alice: Any, bob: Any) -> None:
    """A code typed in for the token verifies that session, and not the one of the cookie."""
    browser = Client()
    browser.force_login(bob)
    app.log_in()
    app.client.cookies = browser.cookies
    code = app.ask_for_code()
    assert app.ask("post", VERIFY, {"code": code}).status_code == 200
    assert is_held(browser.get("/who/", headers={"accept": "application/json"}))


# What views ask of the session of the token


def is_refused(response: Any, status: int) -> bool:
    return response.status_code == status and response.json()["code"] == "otp_required"


def test_view_of_the_app_client_sees_the_state_of_its_own_session(
    app: App, alice: Any, bob: Any
) -> None:
    """Not that of the cookie that comes along: here Bob's, verified by another factor."""
    browser = Client()
    browser.force_login(bob)
    verify(browser, factor="testing")
    app.client.cookies = browser.cookies
    nobody = {"status": "anonymous", "user": None, "factor": None}
    assert app.ask("get", "/state/").json() == nobody
    app.client.cookies.clear()
    app.pass_gate()
    app.client.cookies = browser.cookies
    told = app.ask("get", "/state/").json()
    assert told == {"status": "verified", "user": str(alice.pk), "factor": "email"}


def test_step_up_in_a_view_of_the_app_client(app: App, clock: Any) -> None:
    """The code is typed in for the token, and the view then runs; an old one asks again."""
    app.pass_gate()
    assert app.ask("post", "/transfer/", {}).json() == {"user": "alice"}
    clock.advance(301)
    refused = app.ask("post", "/transfer/", {}, accept="application/json")
    assert is_refused(refused, 403)
    assert views.RAN["transfer"] == 1
    assert app.ask("post", VERIFY, {"code": app.ask_for_code()}).status_code == 200
    assert app.ask("post", "/transfer/", {}).json() == {"user": "alice"}


def test_own_api_takes_the_code_of_the_session_of_the_token(app: App) -> None:
    """`IsVerified` behind allauth's authentication for DRF: 403 and the way to the code, then 200."""
    app.log_in()
    refused = app.ask("get", "/api/account/")
    assert is_refused(refused, 403)
    assert refused.json()["verify_url"] == VERIFY
    assert app.ask("post", VERIFY, {"code": app.ask_for_code()}).status_code == 200
    assert app.ask("get", "/api/account/").json() == {"user": "alice"}
    app.ask("delete", f"{APP}/auth/session")
    assert app.ask("get", "/api/account/").status_code == 403
    assert views.RAN["account"] == 1


def test_own_api_takes_no_code_of_another_session(app: App, alice: Any, bob: Any) -> None:
    """A verified cookie comes along, of another user or of the same: the token acts, unverified."""
    for user in (bob, alice):
        browser = Client()
        browser.force_login(user)
        verify(browser)
        app.client.cookies.clear()
        app.log_in()
        app.client.cookies = browser.cookies
        assert is_refused(app.ask("get", "/api/account/"), 403)
        app.client.cookies.clear()
    assert views.RAN["account"] == 0


def test_own_api_asks_again_for_a_fresh_code(app: App, clock: Any) -> None:
    """`IsVerified.within`: the code goes to the session of the token."""
    app.pass_gate()
    assert app.ask("get", "/api/fresh/").json() == {"user": "alice"}
    clock.advance(301)
    assert app.ask("get", "/api/account/").status_code == 200
    code = ""
    for _ in range(2):  # The second refusal leaves the code of the first valid.
        assert is_refused(app.ask("get", "/api/fresh/"), 403)
        code = code or app.ask_for_code()
    assert app.ask("post", VERIFY, {"code": code}).status_code == 200
    assert app.ask("get", "/api/fresh/").json() == {"user": "alice"}


def test_own_api_asks_users_whom_the_policy_lets_pass(app: App, settings: Any) -> None:
    """As `IsVerified` does behind a cookie; the rest of the site stays open to them meanwhile."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.superusers"}
    app.log_in()
    assert is_refused(app.ask("get", "/api/account/"), 403)
    assert app.ask("get", f"{APP}/account/email").status_code == 200
    assert app.ask("post", VERIFY, {"code": app.ask_for_code()}).status_code == 200
    assert app.ask("get", "/api/account/").json() == {"user": "alice"}


def test_own_api_ends_with_the_verification(app: App, settings: Any, clock: Any) -> None:
    """VERIFIED_TTL holds for the session of a token, too."""
    settings.OTP_GATE = {"VERIFIED_TTL": 60}
    app.pass_gate()
    clock.advance(61)
    assert is_refused(app.ask("get", "/api/account/"), 403)
    assert app.ask("post", VERIFY, {"code": app.ask_for_code()}).status_code == 200
    assert app.ask("get", "/api/account/").status_code == 200


# Policies, modes, exemptions


def not_alice(request: Any) -> bool:
    return bool(request.user.get_username() != "alice")


def test_the_policy_is_asked_about_the_user_of_the_token(app: App, bob: Any, settings: Any) -> None:
    """Alice need not pass, Bob must; and the view acts as the user of the token, not of the cookie."""
    settings.OTP_GATE = {"POLICY": "tests.test_headless.not_alice"}
    browser = Client()
    browser.post(f"{BROWSER}/auth/login", ALICE, "application/json")
    app.log_in(username="bob", password=PASSWORD)
    assert is_held(app.ask("get", "/own/"))
    app.client.cookies = browser.cookies
    assert is_held(app.ask("get", "/own/"))
    app.ask("post", VERIFY, {"code": app.ask_for_code()})
    assert app.ask("get", "/own/").json() == {"user": "bob"}
    app.token = None
    app.log_in()
    assert app.ask("get", "/own/").json() == {"user": "alice"}


def test_report_mode_lets_pass(app: App, settings: Any) -> None:
    settings.OTP_GATE = {"MODE": "report"}
    app.log_in()
    assert app.ask("get", f"{APP}/account/email").status_code == 200


def test_an_exempt_view_sees_nobody(app: App, settings: Any) -> None:
    """As every exempt view, also where allauth puts the session in place."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["own", "headless:app:account:current_session"]}
    app.log_in()
    assert app.ask("get", "/own/").json() == {"user": ""}
    assert app.ask("get", f"{APP}/auth/session").status_code == 401
    assert is_held(app.ask("get", f"{APP}/account/email"))


def test_a_login_that_waited_too_long_is_over(app: App, clock: Any) -> None:
    app.log_in()
    clock.advance(901)
    assert app.ask("get", f"{APP}/auth/session").status_code == 410


def test_sessions_that_cannot_be_read_open_nothing(app: App, settings: Any) -> None:
    """A friendly answer for programs, at allauth's views and at the gate's own."""
    app.log_in()
    settings.HEADLESS_TOKEN_STRATEGY = "tests.test_headless.Broken"
    for method, path in (("get", f"{APP}/account/email"), ("get", VERIFY)):
        answer = app.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


class Broken:
    """A store of sessions that is away."""

    def get_session_token(self, request: Any) -> str:
        raise OSError

    def lookup_session(self, token: str) -> Any:
        raise OSError


# Access tokens


@pytest.fixture
def jwt(settings: Any) -> None:
    settings.HEADLESS_TOKEN_STRATEGY = JWT
    settings.HEADLESS_JWT_ALGORITHM = "HS256"
    settings.SECRET_KEY = "long enough for a signature by HMAC, in tests only"


def refreshed(app: App, token: Any) -> Any:
    return app.ask("post", f"{APP}/tokens/refresh", {"refresh_token": token})


def test_a_password_gets_no_access_token(app: App, jwt: None) -> None:
    """It comes with the answer to the right code."""
    app.log_in()
    assert app.token
    assert (app.access, app.refresh) == (None, None)
    assert is_held(app.ask("get", f"{APP}/account/email"))
    app.ask("post", VERIFY, {"code": app.ask_for_code()})
    assert app.access
    assert app.refresh
    app.token = None
    bearer = {"authorization": f"Bearer {app.access}"}
    assert app.ask("get", f"{APP}/account/email", **bearer).status_code == 200
    assert refreshed(app, app.refresh).status_code == 200


def test_a_refresh_token_of_a_session_that_is_held_again_gives_nothing(
    app: App, jwt: None, settings: Any, clock: Any
) -> None:
    """A verification that has run out: neither its access token nor its refresh token opens anything."""
    settings.OTP_GATE = {"VERIFIED_TTL": 60}
    app.pass_gate()
    app.token = None
    clock.advance(61)
    bearer = {"authorization": f"Bearer {app.access}"}
    assert is_held(app.ask("get", f"{APP}/account/email", **bearer))
    assert is_held(refreshed(app, app.refresh))


@pytest.mark.parametrize("body", [{}, {"refresh_token": "x"}, {"refresh_token": 7}, [], "x"])
def test_a_refresh_token_that_is_none_is_allauths_affair(app: App, jwt: None, body: Any) -> None:
    assert app.ask("post", f"{APP}/tokens/refresh", body).status_code == 400


def test_whom_the_policy_leaves_alone_gets_the_access_token(
    app: App, jwt: None, settings: Any
) -> None:
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.superusers"}
    app.log_in()
    assert app.access
    assert refreshed(app, app.refresh).status_code == 200


# What the gate knows of allauth


def test_the_installed_release_is_known() -> None:
    """Else `otp_gate.E013` says so."""
    assert tokens.unknown_parts() == []


class Unknown:
    """What a project may name as its strategy: not one of allauth's."""

    def refresh_token(self, token: str) -> None: ...


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        ("tests.test_headless.Unknown", "Unknown.lookup_session"),
        ("tests.bad_projects.e013_token_strategy.OwnStrategy", "OwnStrategy.refresh_token"),
        ("tests.no_such.Strategy", "HEADLESS_TOKEN_STRATEGY (ModuleNotFoundError)"),
    ],
)
def test_a_strategy_that_is_not_known_is_named(settings: Any, strategy: str, told: str) -> None:
    settings.HEADLESS_TOKEN_STRATEGY = strategy
    assert told in tokens.unknown_parts()


def test_a_release_that_gives_tokens_in_another_way_is_named(monkeypatch: Any) -> None:
    """The gate keeps back the access token of a login by one name of allauth's."""
    monkeypatch.setattr(
        "allauth.headless.internal.authkit.expose_access_token", lambda request: "x"
    )
    assert tokens.unknown_parts() == ["allauth.headless.internal.authkit.expose_access_token"]


# What `check` and `urls` say


def verdicts() -> dict[str, str]:
    return {entry.path: entry.status for entry in inventory.entries(gate_config())}


def test_a_site_with_allauths_own_strategy_is_right(jwt: None) -> None:
    """The app client is held as the browser client is: both are gated."""
    assert check_tokens(None) == []
    found = verdicts()
    assert found["/own/"] == found["/_allauth/app/v1/account/email"] == "gated"
    assert found["/_allauth/browser/v1/account/email"] == "gated"


def test_a_strategy_that_is_not_known_is_told(settings: Any) -> None:
    """Only of the app client; the browser client has no token."""
    settings.HEADLESS_TOKEN_STRATEGY = "tests.bad_projects.e013_token_strategy.OwnStrategy"
    [error] = check_tokens(None)
    assert "OwnStrategy.refresh_token" in error.msg
    found = verdicts()
    assert found["/own/"] == found["/_allauth/app/v1/account/email"] == "bypasses"
    assert found["/_allauth/browser/v1/account/email"] == "gated"


def test_a_setting_that_is_wrong_is_the_affair_of_another_check(settings: Any) -> None:
    settings.OTP_GATE = {"CODE_LENGTH": 1}
    assert check_tokens(None) == []
