"""Two sites or tenants on one Redis: user 1 of one of them is not user 1 of the other one."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from otp_gate import codes, realms, reports, signals, store
from otp_gate.challenge import Challenge
from otp_gate.outcomes import Outcome
from tests import tenants
from tests.browsers import (
    AsyncBrowser,
    ask_for_code,
    guess,
    is_in,
    post_json,
    redis_commands,
    refused_everywhere,
    status_of,
)
from tests.commands import manage
from tests.helpers import (
    CANCEL,
    DISOWN,
    RESEND,
    VERIFY,
    disown_link,
    log_in,
    open_page,
    pass_gate,
)

FREE = {"CODE_ATTEMPTS": 1000, "SENDS": [], "RESEND_COOLDOWN": 0}
OF_TENANT = {"KEY_FUNCTION": "tests.tenants.key_of_tenant"}

SITES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "KEY_PREFIX": ({"KEY_PREFIX": "one"}, {"KEY_PREFIX": "two"}),
    "VERSION": ({"VERSION": 1}, {"VERSION": 2}),
    "KEY_FUNCTION": ({}, {"KEY_FUNCTION": "tests.tenants.bare_key"}),
    "tenant": (OF_TENANT, OF_TENANT),
}
"""What tells the caches of the two sites apart."""


@dataclass
class Site:
    """One of two sites, or tenants, with the same database, SECRET_KEY and Redis."""

    alias: str
    client: Any
    settings: Any

    @contextmanager
    def here(self, **gate: Any) -> Iterator[Any]:
        """Serve requests, and run commands, as this site; give its browser."""
        self.settings.OTP_GATE = {**gate, "CACHE": self.alias}
        with tenants.tenant(self.alias):
            yield self.client


def cache_with(settings: Any, **changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(settings.CACHES["default"]), **changed}


@pytest.fixture(params=["wsgi", "asgi"])
def browser(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Make a browser, on either kind of server."""
    return Client if request.param == "wsgi" else lambda: AsyncBrowser(Client())


@pytest.fixture(params=SITES)
def sites(
    request: pytest.FixtureRequest, settings: Any, browser: Callable[[], Any], alice: Any
) -> tuple[Site, Site]:
    """Both have an Alice with the same id and password, and a browser where she has given it."""
    one, two = SITES[request.param]
    settings.CACHES = {
        **settings.CACHES,
        "one": cache_with(settings, **one),
        "two": cache_with(settings, **two),
    }
    made = Site("one", browser(), settings), Site("two", browser(), settings)
    for site in made:
        log_in(site.client)
    return made


# What one site cannot do to another one


def test_a_lock_at_one_site_locks_nobody_at_the_other(sites: tuple[Site, Site]) -> None:
    """Ten wrong answers lock user 1 of the one site; user 1 of the other types a code and is in."""
    one, two = sites
    with one.here(**FREE) as client:
        open_page(client)
        assert guess(client, 10).status_code == 400
        assert guess(client).status_code == 429
    with two.here(**FREE) as client:
        assert client.post(VERIFY, {"code": open_page(client)}).status_code == 302
        assert is_in(client)
    with one.here(**FREE) as client:
        assert guess(client).status_code == 429


def test_wrong_answers_in_a_row_are_counted_for_each_site(sites: tuple[Site, Site]) -> None:
    """Nine here and one there are no ten; a right code there does not end the row here."""
    one, two = sites
    with one.here(**FREE) as client:
        open_page(client)
        guess(client, 9)
    with two.here(**FREE) as client:
        code = open_page(client)
        guess(client)
        assert status_of(client)["status"] == "pending"
        assert "1 in a row" in manage("status", "alice").out
        assert client.post(VERIFY, {"code": code}).status_code == 302
    with one.here(**FREE) as client:
        assert "9 in a row" in manage("status", "alice").out
        guess(client)
        assert guess(client).status_code == 429


def test_an_operators_code_opens_no_session_of_the_other_site(sites: tuple[Site, Site]) -> None:
    """It is wrong there, and still right here."""
    one, two = sites
    with one.here():
        code = manage("code", "alice").code
    with two.here() as client:
        ask_for_code(client)
        assert post_json(client, VERIFY, {"code": code}).json()["code"] == "invalid"
        assert not is_in(client)
    with one.here() as client:
        assert client.post(VERIFY, {"code": code}).status_code == 302
        assert is_in(client)


def test_a_code_of_one_site_is_wrong_at_the_other(sites: tuple[Site, Site]) -> None:
    """In the very session for which it was sent, where two sites have the sessions in common."""
    one, two = sites
    with one.here() as client:
        code = open_page(client)
    with two.here():
        ask_for_code(client)
        assert post_json(client, VERIFY, {"code": code}).json()["code"] == "invalid"
        assert not is_in(client)
    with one.here():
        assert client.post(VERIFY, {"code": code}).status_code == 302


def test_a_disown_link_is_invalid_at_the_other_site(sites: tuple[Site, Site]) -> None:
    """It stops no login there, and stops the one here."""
    one, two = sites
    with one.here() as client:
        open_page(client)
        link = disown_link()
    fields = {"token": link.partition("token=")[2]}
    with two.here() as client:
        code = open_page(client)
        assert Client().get(link).status_code == 400
        assert Client().post(DISOWN, fields).status_code == 400
        assert client.post(VERIFY, {"code": code}).status_code == 302
    with one.here() as client:
        assert Client().post(DISOWN, fields).status_code == 200
        assert client.get(VERIFY)["Location"] == "/login/"


def test_a_disown_link_holds_no_codes_of_the_other_site(sites: tuple[Site, Site]) -> None:
    """The hold is of one user of one site, in one and the same session."""
    one, two = sites
    with one.here() as client:
        open_page(client)
        Client().post(DISOWN, {"token": disown_link().partition("token=")[2]})
    with two.here():
        assert client.post(VERIFY, {"code": open_page(client)}).status_code == 302


def test_each_site_has_its_budget_of_codes(sites: tuple[Site, Site]) -> None:
    """SENDS is spent here, and not there."""
    one, two = sites
    spent = {"SENDS": [(1, 900)], "RESEND_COOLDOWN": 0}
    with one.here(**spent) as client:
        ask_for_code(client)
        assert post_json(client, RESEND).status_code == 429
    with two.here(**spent) as client:
        ask_for_code(client)


def test_each_site_has_its_breaker(sites: tuple[Site, Site]) -> None:
    """GLOBAL_SENDS of a site counts the codes of that site."""
    one, two = sites
    breaker = {"GLOBAL_SENDS": (1, 900), "RESEND_COOLDOWN": 0}
    with one.here(**breaker) as client:
        ask_for_code(client)
        assert post_json(client, RESEND).status_code == 429
    with two.here(**breaker) as client:
        ask_for_code(client)


def test_each_site_has_its_alarm(sites: tuple[Site, Site]) -> None:
    """Two wrong answers here and two there are not the three that give it."""
    heard: list[int] = []

    def listen(number: int, **_: Any) -> None:
        heard.append(number)

    signals.guessing_suspected.connect(listen)
    try:
        for site in sites:
            with site.here(ALARM=(3, 900), **FREE) as client:
                open_page(client)
                guess(client, 2)
        assert heard == []
        with site.here(ALARM=(3, 900), **FREE):
            guess(client)
        assert heard == [3]
    finally:
        signals.guessing_suspected.disconnect(listen)


def test_each_site_has_its_report(sites: tuple[Site, Site]) -> None:
    """What was let through here is not told there."""
    one, two = sites
    with one.here(MODE="report") as client:
        client.get("/secret/")
        assert manage("report").out.split()[:3] == ["1", "alice", "secret"]
    with two.here(MODE="report"):
        assert manage("report").out.startswith("0 requests")
        manage("report", "--clear")
    with one.here(MODE="report"):
        assert manage("report").out.split()[:3] == ["1", "alice", "secret"]


def test_unlock_is_for_one_site(sites: tuple[Site, Site]) -> None:
    """The command says which one, and changes nothing elsewhere."""
    for site in sites:
        with site.here(**FREE) as client:
            open_page(client)
            guess(client, 10)
    one, two = sites
    with two.here(**FREE):
        assert "10 wrong answers in a row" in manage("unlock", "alice").out
    with one.here(**FREE) as client:
        assert guess(client).status_code == 429
    with two.here(**FREE) as client:
        ask_for_code(client)


def test_redis_holds_nothing_twice(sites: tuple[Site, Site], alice: Any) -> None:
    """The same user, session, operator's code and password: no key and no digest in common."""
    held = []
    for site in sites:
        store.client(site.alias).flushall()
        with site.here():
            nonce, password = "a nonce", alice.password
            held.append(
                {
                    codes.user_digest("1"),
                    codes.nonce_digest(nonce),
                    codes.code_digest("1", nonce, "123456"),
                    codes.operator_digest("1", "123456"),
                    codes.credential_digest(password),
                    codes.token_digest("token"),
                    store.record_key("user"),
                    store.site_key("saved"),
                    store.site_key("sends"),
                }
            )
    assert len(held[0]) == len(held[1]) == 9
    assert held[0] & held[1] == set()


@pytest.mark.one_server
def test_a_record_that_is_moved_to_another_site_opens_nothing(sites: tuple[Site, Site]) -> None:
    """By an attacker who may write to Redis, or by a copy of one site's keys to another one."""
    one, two = sites
    redis = store.client("one")
    with one.here():
        code = manage("code", "alice").code
        [key] = [key for key in redis.keys("*{*") if "{site}" not in key]
    with two.here() as client:
        redis.rename(key, store.record_key(codes.user_digest("1")))
        assert post_json(client, VERIFY, {"code": code}).json()["code"] != "ok"
        assert not is_in(client)


# What the realm is


def test_a_challenge_stays_in_the_realm_in_which_it_was_made(
    sites: tuple[Site, Site], alice: Any
) -> None:
    """Used in another realm, it opens nothing there, and changes no record."""
    one, two = sites
    with one.here(**FREE):
        of_one = Challenge.of(alice, "nonce")
    with two.here(**FREE):
        redis = store.client(two.alias)
        assert Challenge.of(alice, "nonce").issue("123456", "email").outcome is Outcome.ISSUED
        before = {key: redis.hgetall(key) for key in redis.keys("*}")}
        assert of_one.verify("123456").outcome is Outcome.NONE
        assert {key: redis.hgetall(key) for key in redis.keys("*}")} == before != {}


def test_the_realm_is_that_of_the_cache(sites: tuple[Site, Site]) -> None:
    """What the cache itself writes and what the gate writes begin with the same text."""
    found = set()
    for site in sites:
        with site.here():
            assert realms.realm() == caches[site.alias].make_key("")
            assert store.record_key("u") == realms.realm() + "otp_gate:{u}"
            found.add(realms.realm())
    assert len(found) == 2


def test_asking_for_the_realm_connects_to_nothing() -> None:
    """Not even in a process that has never used the cache."""
    with redis_commands() as seen:
        assert realms.realm() == ":1:"
        assert realms.key("{x}") == ":1:otp_gate:{x}"
    assert seen == []


def test_no_two_pairs_of_realm_and_value_share_a_digest(settings: Any) -> None:
    """Where one realm begins with another one, its length keeps them apart."""
    made = set()
    for prefix, user in (("a", "bc"), ("ab", "c"), ("abc", "")):
        changed = {"KEY_FUNCTION": "tests.tenants.bare_key", "KEY_PREFIX": prefix}
        settings.CACHES = {"default": cache_with(settings, **changed)}
        made.add(codes.user_digest(user))
    assert len(made) == 3


# A cache that makes no usable keys


BROKEN: dict[str, dict[str, Any]] = {
    "braces": {"KEY_FUNCTION": "tests.tenants.key_with_braces"},
    "braces in KEY_PREFIX": {"KEY_PREFIX": "{shop}"},
    "no tenant": OF_TENANT,
    "no text": {"KEY_FUNCTION": "tests.tenants.key_of_bytes"},
    "no such backend": {"BACKEND": "tests.tenants.NoSuchCache"},
    "no such client": {"OPTIONS": {"CLIENT_CLASS": "tests.tenants.NoSuchClient"}},
}


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, settings: Any) -> dict[str, Any]:
    return {"default": cache_with(settings, **BROKEN[request.param])}


def test_the_gate_stays_shut(held: Any, settings: Any, broken: Any) -> None:
    """A friendly 503, and nothing reaches Redis."""
    with redis_commands() as seen:
        settings.CACHES = broken
        refused_everywhere(held)
    assert seen == []


def test_verified_sessions_and_log_outs_go_on(
    passed: Any, settings: Any, broken: Any, alice: Any
) -> None:
    """They need no key."""
    half = Client()
    log_in(half)
    open_page(half)
    settings.CACHES = broken
    assert is_in(passed)
    assert half.post(CANCEL).status_code == 302
    assert passed.post("/logout/").status_code == 200
    assert not is_in(passed)


def test_a_disown_link_waits(half: Client, settings: Any, broken: Any) -> None:
    """It answers 503, and not that it is invalid."""
    open_page(half)
    link = disown_link()
    settings.CACHES = broken
    assert Client().get(link).status_code == 503
    assert Client().post(DISOWN, {"token": link.partition("token=")[2]}).status_code == 503


def test_report_mode_lets_through(
    half: Client,
    settings: Any,
    broken: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A site that tries the gate out does not fail; it says that it counts nothing."""
    monkeypatch.setattr(reports.Pause, "until", 0.0)
    settings.CACHES = broken
    settings.OTP_GATE = {"MODE": "report"}
    with caplog.at_level(logging.ERROR, "otp_gate"):
        assert is_in(half)
    assert "Nothing is counted" in caplog.text


def test_commands_say_why(alice: Any, settings: Any, broken: Any) -> None:
    """In words, with status 1."""
    settings.CACHES = broken
    for ran in (manage("status", "alice"), manage("code", "alice"), manage("report")):
        assert (ran.status, ran.out) == (1, "")
        assert "'default'" in ran.failed
    ran = manage("doctor")
    assert ran.status == 1
    assert "wrong  No codes can be kept: CACHES['default'] makes no keys" in ran.out


def test_braces_of_the_gates_own_prefix(half: Client, settings: Any) -> None:
    """They too would choose the slot."""
    settings.OTP_GATE = {"KEY_PREFIX": "otp{}"}
    refused_everywhere(half)


def test_a_key_function_that_keeps_nothing_of_the_key(half: Client, settings: Any) -> None:
    """The gate works with it, on a single server."""
    changed = {"KEY_FUNCTION": "tests.tenants.hashed_key"}
    settings.CACHES = {"default": cache_with(settings, **changed)}
    pass_gate(half)
    assert is_in(half)


# Commands


def test_commands_name_the_realm(alice: Any, settings: Any) -> None:
    """On stderr: what a program reads from stdout stays as it is."""
    settings.CACHES = {"default": cache_with(settings, KEY_PREFIX="shop")}
    for command in ("status", "code", "unlock"):
        ran = manage(command, "alice")
        assert "Realm: shop:1:\n" in ran.err
        assert "Realm" not in ran.out
    assert "Realm: shop:1:\n" in manage("report").err
    assert "Realm" not in manage("report", "--json").out


def test_a_realm_gives_the_terminal_no_orders(alice: Any, settings: Any) -> None:
    """It may hold whatever a tenant has for a name."""
    settings.CACHES = {"default": cache_with(settings, KEY_PREFIX="a\x1b[2J")}
    assert "Realm: 'a\\x1b[2J:1:'\n" in manage("status", "alice").err


def test_doctor_names_the_realm(db: None, settings: Any) -> None:
    """And says where it may be another one for the next request."""
    assert "Realm: :1:\n" in manage("doctor").out
    settings.CACHES = {"default": cache_with(settings, **OF_TENANT)}
    with tenants.tenant("one"):
        assert "Realm: one::1:, the one of this process; KEY_FUNCTION" in manage("doctor").out


# The pattern of the keys, for an ACL


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ":1:otp_gate:*"),
        ({"KEY_PREFIX": "shop", "VERSION": 3}, "shop:3:otp_gate:*"),
        ({"KEY_PREFIX": "a*b?[c]\\"}, "a\\*b\\?\\[c]\\\\:1:otp_gate:*"),
        (OF_TENANT, "*otp_gate:*"),
        ({"KEY_FUNCTION": "tests.tenants.hashed_key"}, "*"),
        ({"BACKEND": "tests.tenants.CacheOfTenants"}, "*otp_gate:*"),
    ],
)
def test_the_pattern_is_that_of_the_keys(settings: Any, changed: Any, expected: str) -> None:
    """Every key matches it; of a key function, only the gate's own part is known."""
    settings.CACHES = {"default": cache_with(settings, **changed)}
    with tenants.tenant("one"):
        assert realms.pattern() == expected


def test_doctor_prints_the_pattern(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the line to give to Redis, where Redis forbids what the gate does."""
    from redis.exceptions import NoPermissionError

    settings.CACHES = {"default": cache_with(settings, KEY_PREFIX="shop")}

    def forbid(*_: Any, **__: Any) -> None:
        raise NoPermissionError("no")

    monkeypatch.setattr(store.client("default"), "evalsha", forbid)
    assert "~shop:1:otp_gate:*" in manage("doctor").out


# Tenants without a realm of their own


@pytest.fixture
def warned(settings: Any) -> Callable[[], list[str]]:
    from otp_gate.checks.realms import check_tenants

    def messages() -> list[str]:
        found = check_tenants(None)
        assert all(message.id == "otp_gate.W013" and message.hint for message in found)
        return [f"{message.msg} {message.hint}" for message in found]

    return messages


class OwnRouter(tenants.TenantRouter):
    """A subclass of what a package has, under a name that says nothing."""


def by_host(get_response: Any) -> Any:
    return get_response


def for_tenant(get_response: Any) -> Any:
    return get_response


class Plain:
    """No router of tenants."""


@pytest.mark.parametrize(
    ("setting", "value", "sign"),
    [
        ("DATABASE_ROUTERS", [f"{__name__}.OwnRouter"], f"DATABASE_ROUTERS '{__name__}.OwnRouter'"),
        ("DATABASE_ROUTERS", [OwnRouter()], f"DATABASE_ROUTERS '{__name__}.OwnRouter'"),
        ("MIDDLEWARE", ["no_such.Tenant"], "MIDDLEWARE 'no_such.Tenant'"),
        ("MIDDLEWARE", [f"{__name__}.for_tenant"], f"MIDDLEWARE '{__name__}.for_tenant'"),
        ("TENANT_MODEL", "customers.Client", "TENANT_MODEL 'customers.Client'"),
    ],
)
def test_w013_names_what_shows_tenants(
    settings: Any, warned: Any, setting: str, value: Any, sign: str
) -> None:
    """By the dotted path, by a base class, by the settings of a package."""
    setattr(settings, setting, value)
    [message] = warned()
    assert message.startswith(f"{sign}: ")
    assert "path.to.a_function_of_yours" in message


def test_w013_knows_the_key_function_of_the_package(
    settings: Any, warned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint is the line to paste."""
    engine = "django_tenants.postgresql_backend"
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
    [message] = warned()
    assert "ENGINE of DATABASES['default'] 'django_tenants.postgresql_backend'" in message
    assert '"django_tenants.cache.make_key"' in message


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATABASE_ROUTERS", [f"{__name__}.Plain", Plain()]),
        ("MIDDLEWARE", [f"{__name__}.by_host"]),
        ("TENANT_APPS", ["django.contrib.auth"]),
    ],
)
def test_w013_is_silent_without_tenants(
    settings: Any, warned: Any, setting: str, value: Any
) -> None:
    """A router or a middleware alone shows none."""
    setattr(settings, setting, value)
    assert warned() == []


@pytest.mark.parametrize(
    ("named", "count"),
    [
        (["django.contrib.auth"], 1),
        (["django.contrib.auth.apps.AuthConfig"], 1),
        (["shop"], 0),
    ],
)
def test_w013_is_silent_where_tenants_share_their_users(
    settings: Any, warned: Any, named: list[str], count: int
) -> None:
    """TENANT_APPS of django-tenants says which tables each tenant has of its own."""
    settings.TENANT_MODEL = "customers.Client"
    settings.TENANT_APPS = named
    assert len(warned()) == count


@pytest.mark.parametrize(
    "changed",
    [
        OF_TENANT,
        {"BACKEND": "tests.tenants.CacheOfTenants"},
        {"BACKEND": "tests.tenants.tenant"},
    ],
)
def test_w013_is_silent_with_a_key_function(settings: Any, warned: Any, changed: Any) -> None:
    """It is taken to name the tenant; and of a cache that is no Redis another check speaks."""
    settings.TENANT_MODEL = "customers.Client"
    settings.CACHES = {"default": cache_with(settings, **changed)}
    assert warned() == []
