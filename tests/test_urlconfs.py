"""Own pages under other URLconfs: tenants, hosts, languages. Never a 404, never a loop."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from django.contrib.flatpages.models import FlatPage
from django.contrib.sites.models import Site
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from otp_gate.exemptions import CACHED
from otp_gate.signals import code_refused
from tests import views
from tests.browsers import AsyncBrowser
from tests.clock import Clock
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import (
    JSON,
    LOGIN,
    PASSWORD,
    RESEND,
    VERIFY,
    codes_sent,
    last_code,
    open_page,
)

TENANTS = ["tenant", "catch_all"]


@pytest.fixture(params=["before", "after"])
def hosts(request: pytest.FixtureRequest, settings: Any) -> None:
    """A middleware sets `request.urlconf`, on either side of the gate."""
    put_around_gate(settings, **{request.param: ["tests.middlewares.Hosts"]})


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_whole_way_under_a_tenants_urlconf(
    hosts: None, held: Any, tenant: str, mailoutbox: Any
) -> None:
    """Turned away, page, mail, code, in; though `otp_gate` is no namespace there."""
    headers = {"x-urlconf": tenant}
    restarted(held)
    assert_held(held.get("/tenant/", headers=headers), "/tenant/")
    page = held.get(VERIFY + "?next=/tenant/", headers=headers)
    assert page.status_code == 200
    assert 'name="code"' in page.content.decode()
    assert len(mailoutbox) == 1
    assert held.post(VERIFY, {"code": "000"}, headers=headers).status_code == 200
    response = held.post(VERIFY + "?next=/tenant/", {"code": last_code()}, headers=headers)
    assert (response.status_code, response["Location"]) == (302, "/tenant/")
    assert held.get("/tenant/", headers=headers).content == b"secret of alice"


@pytest.mark.parametrize("urlconf", [*TENANTS, "kept"])
def test_an_own_page_runs_once_there(hosts: None, passed: Any, clock: Clock, urlconf: str) -> None:
    """A step-up under another URLconf, with the gate's pages in it or not: one POST, one answer."""
    headers = {"x-urlconf": urlconf}
    restarted(passed)
    clock.advance(400)
    passed.get("/step-up/", headers={"x-urlconf": "kept"})
    passed.get(VERIFY, headers=headers)
    heard = []

    def hear(**named: Any) -> None:
        heard.append(named["reason"])

    code_refused.connect(hear)
    fields = {"code": last_code(), "next": "/tenant/"}
    response = passed.post(VERIFY, fields, headers=headers)
    code_refused.disconnect(hear)
    assert (response.status_code, response["Location"]) == (302, "/tenant/")
    assert heard == []


@pytest.mark.parametrize("tenant", TENANTS)
def test_every_own_page_answers_there(hosts: None, held: Any, tenant: str) -> None:
    """Another code and signing out work too, and run no view of the tenant."""
    headers = {"x-urlconf": tenant}
    restarted(held)
    assert held.post(RESEND, headers=headers)["Location"] == VERIFY
    assert held.get("/otp/disown/", headers=headers).status_code == 400
    assert held.post("/otp/cancel/", headers=headers)["Location"] == LOGIN
    assert not views.RAN


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_verified_and_strangers_are_sent_on(
    hosts: None, passed: Any, nobody: Any, tenant: str
) -> None:
    """Who has nothing to prove does not meet the tenant's page of that address either."""
    headers = {"x-urlconf": tenant}
    assert restarted(passed).get(VERIFY, headers=headers)["Location"] == "/"
    assert nobody.get(VERIFY, headers=headers)["Location"] == LOGIN


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_rest_of_a_tenants_site_is_its_own(hosts: None, passed: Any, tenant: str) -> None:
    """The gate serves its own pages there and no other of the main site."""
    response = restarted(passed).get("/asecret/", headers={"x-urlconf": tenant})
    assert (response.status_code, views.RAN["asecret"]) == (
        200 if tenant == "catch_all" else 404,
        0,
    )


def test_what_is_exempt_is_asked_of_the_requests_urlconf(settings: Any, held: Any) -> None:
    """The main site's exemptions are not the tenant's, and the other way round."""
    put_around_gate(settings, before=["tests.middlewares.Hosts"])
    headers = {"x-urlconf": "tenant"}
    assert_held(restarted(held).get("/open/", headers=headers), "/open/")
    assert held.get("/secret/", headers=headers).content == b"open to nobody"


def test_a_flatpage_of_that_address_does_not_come_first(
    hosts: None, settings: Any, held: Any
) -> None:
    """Where a tenant has a flatpage /otp/, the half-authenticated still reach no page of his."""
    middleware = "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    page = FlatPage.objects.create(url="/otp/", title="Flat", content="flat secret")
    page.sites.add(Site.objects.get())
    response = restarted(held).get(VERIFY, headers={"x-urlconf": "tenant"})
    assert b"flat secret" not in response.content


# Hosts


@pytest.fixture(params=["before", "after"])
def by_host(request: pytest.FixtureRequest, settings: Any) -> None:
    """Each host has a URLconf of its own, which is also put in force for `reverse`."""
    put_around_gate(settings, **{request.param: ["tests.middlewares.HostsByName"]})


@pytest.fixture
def at_shop(by_host: None, alice: Any) -> Client:
    """Alice's browser after the password, at a host without the gate's pages."""
    client = Client(headers={"host": "shop.example.org"})
    assert client.post(LOGIN, {"username": "alice", "password": PASSWORD}).status_code == 302
    return client


def test_a_host_without_the_include(at_shop: Client, mailoutbox: Any) -> None:
    """Its visitors stay at that host: turned away, page, mail, code, in."""
    assert_held(at_shop.get("/tenant/"), "/tenant/")
    assert at_shop.get(VERIFY + "?next=/tenant/").status_code == 200
    assert len(mailoutbox) == 1
    assert at_shop.post(RESEND).status_code == 429
    there = "http://shop.example.org/tenant/"
    response = at_shop.post(VERIFY, {"code": last_code(), "next": there})
    assert (response.status_code, response["Location"]) == (302, there)
    assert at_shop.get("/tenant/").content == b"secret of alice"
    assert at_shop.get(VERIFY)["Location"] == "/"


def test_no_other_host_is_gone_on_to(at_shop: Client) -> None:
    """Also not to one of the same site."""
    at_shop.get(VERIFY)
    elsewhere = "http://admin.example.org/secret/"
    response = at_shop.post(VERIFY, {"code": last_code(), "next": elsewhere})
    assert response["Location"] == "/"


def test_a_session_of_another_host_is_held_there_too(at_shop: Client) -> None:
    """Where the cookie is the whole domain's, the gate stands before each host of it."""
    assert_held(at_shop.get("/secret/", headers={"host": "www.example.org"}), "/secret/")
    assert at_shop.get(VERIFY, headers={"host": "www.example.org"}).status_code == 200


# Several admin sites


@pytest.mark.parametrize("first", ["/admin/", "/second-admin/"])
@pytest.mark.parametrize("then", ["/admin/", "/second-admin/"])
def test_admin_sites(settings: Any, admin_user: Any, nobody: Any, first: str, then: str) -> None:
    """Whichever's login is used: both are shut before the code, and open after it."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    fields = {"username": "root", "password": PASSWORD, "next": then}
    assert nobody.post(f"{first}login/", fields)["Location"] == then
    for page in (first, then, f"{then}login/", f"{then}password_change/", f"{then}logout/"):
        response = nobody.get(page)
        assert_held(response, "" if page.endswith("logout/") else page)
    done = nobody.post(VERIFY, {"code": open_page(nobody), "next": then})
    assert done["Location"] == then
    for page in (first, then):
        assert nobody.get(page).status_code == 200
    assert nobody.post(f"{first}logout/").status_code == 200
    assert nobody.get(then).status_code == 302


# Languages


@pytest.fixture
def languages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.languages"
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français")]
    settings.LOGIN_URL = "login"
    middleware = list(settings.MIDDLEWARE)
    place = middleware.index("django.middleware.common.CommonMiddleware")
    middleware.insert(place, "django.middleware.locale.LocaleMiddleware")
    settings.MIDDLEWARE = middleware


def test_addresses_with_a_language(languages: None, alice: Any, nobody: Any) -> None:
    """The page speaks the language of the address, also when the browser's changes meanwhile."""
    german, french = {"accept-language": "de"}, {"accept-language": "fr"}
    nobody.post("/de/login/", {"username": "alice", "password": PASSWORD})
    response = nobody.get("/de/secret/", headers=german)
    assert response["Location"] == "/de/otp/?next=/de/secret/"
    page = nobody.get(response["Location"], headers=french)
    assert (page.status_code, page["Content-Language"]) == (200, "de")
    assert nobody.get("/fr/otp/", headers=german).status_code == 200
    response = nobody.post("/fr/otp/?next=/de/secret/", {"code": last_code()}, headers=german)
    assert response["Location"] == "/de/secret/"
    assert nobody.get("/de/secret/", headers=french).content == b"secret of alice"


@pytest.mark.parametrize("path", ["/secret/", "/otp/", "/", "/xx/secret/"])
def test_addresses_without_a_language(languages: None, alice: Any, nobody: Any, path: str) -> None:
    """Turned away to the page in the browser's language, not first to the path in it."""
    nobody.post("/de/login/", {"username": "alice", "password": PASSWORD})
    response = nobody.get(path, headers={"accept-language": "de"})
    assert response.status_code == 302
    assert response["Location"].startswith("/de/otp/")
    assert nobody.get(response["Location"], headers={"accept-language": "fr"}).status_code == 200
    assert not views.RAN


@pytest.mark.parametrize("switch", ["cookie", "view", "address"])
def test_another_language_between_the_steps(
    languages: None, settings: Any, alice: Any, nobody: Any, switch: str
) -> None:
    """Whoever chooses another one on the way types in the code that he has."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["set_language"]}
    nobody.post("/de/login/", {"username": "alice", "password": PASSWORD})
    german = nobody.get("/de/otp/?next=/de/secret/")
    assert 'lang="de"' in german.content.decode()
    code = last_code()
    if switch == "cookie":
        nobody.cookies["django_language"] = "fr"
        at = nobody.get("/otp/?next=/de/secret/")["Location"]
    elif switch == "address":
        at = "/fr/otp/?next=/de/secret/"
    else:
        chosen = {"language": "fr", "next": "/de/otp/?next=/de/secret/"}
        at = nobody.post("/i18n/setlang/", chosen, headers={"accept-language": "de"})["Location"]
    assert at.startswith("/fr/otp/")
    french = nobody.get(at)
    assert (french.status_code, 'lang="fr"' in french.content.decode()) == (200, True)
    assert codes_sent() == [code]
    done = nobody.post("/fr/otp/", {"code": code, "next": "/de/secret/"})
    assert done["Location"] == "/de/secret/"
    assert nobody.get("/de/secret/").content == b"secret of alice"


def test_a_locale_middleware_behind_the_gate(settings: Any, alice: Any, nobody: Any) -> None:
    """It does not know the language yet when it turns people away; they arrive all the same."""
    settings.ROOT_URLCONF = "tests.urlconfs.languages"
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    put_around_gate(settings, after=["django.middleware.locale.LocaleMiddleware"])
    nobody.post("/en/login/", {"username": "alice", "password": PASSWORD})
    assert nobody.get("/de/secret/")["Location"] == "/en/otp/?next=/de/secret/"
    assert nobody.get("/de/otp/")["Location"] == "/en/otp/?next=/de/otp/"
    assert 'name="code"' in nobody.get("/en/otp/?next=/de/otp/").content.decode()
    assert not views.RAN
    done = nobody.post("/en/otp/", {"code": last_code(), "next": "/de/otp/"})
    assert nobody.get(done["Location"])["Location"] == "/de/"
    assert nobody.get("/de/secret/").content == b"secret of alice"


OPTIONAL = {
    "outside": ("tests.urlconfs.optional_language", {"en": "/otp/", "de": "/otp/"}),
    "inside": ("tests.urlconfs.optional_language_inside", {"en": "/otp/", "de": "/de/otp/"}),
}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("where", OPTIONAL)
def test_a_default_language_that_stands_in_no_address(
    half: Client, languages: None, settings: Any, where: str, language: str
) -> None:
    """With the gate's pages outside the language prefix, and inside it."""
    settings.ROOT_URLCONF, addresses = OPTIONAL[where]
    settings.LANGUAGE_CODE = "en"
    restarted(half)
    asked = {"accept-language": language}
    for at in ("en", "de"):
        page = "/de/welcome/" if at == "de" else "/welcome/"
        response = half.get(page, headers=asked)
        assert response["Location"] == f"{addresses[at]}?next={page}"
        assert half.get(addresses[at], headers=asked).status_code == 200
        assert half.get("/de/nothing/", headers=asked)["Location"].startswith(addresses["de"])
    assert not views.RAN
    address = addresses[language]
    done = half.post(address, {"code": last_code(), "next": "/de/welcome/"}, headers=asked)
    assert done["Location"] == "/de/welcome/"
    assert half.get("/de/welcome/").content == b"secret of alice"
    assert half.get("/welcome/").content == b"secret of alice"


# Below a prefix


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
@pytest.mark.parametrize("told", ["by the server", "by the setting"])
def test_a_site_below_a_prefix(
    settings: Any, half: Client, mailoutbox: Any, server: str, told: str
) -> None:
    """Every address of the gate carries it, on the page and in the mail; and its form works."""
    browser: Any = half if server == "wsgi" else AsyncBrowser(half)
    below = "" if server == "wsgi" else "/app"  # An ASGI server has it in the path, too.
    if told == "by the setting":
        settings.FORCE_SCRIPT_NAME = "/app"
    elif server == "wsgi":
        browser.defaults["SCRIPT_NAME"] = "/app"
    else:
        browser.client.defaults["root_path"] = "/app"
    set_script_prefix("/app/")  # As the handler of either server does, and no test client.
    try:
        response = browser.get(f"{below}/secret/?a=1")
        assert response["Location"] == "/app/otp/?next=/app/secret/%3Fa%3D1"
        problem = browser.get(f"{below}/secret/", headers=JSON).json()
        assert problem["verify_url"] == "/app/otp/"
        page = browser.get(f"{below}/otp/?next=/app/secret/")
        text = page.content.decode()
        assert set(re.findall(r'action="([^"?]*)', text)) >= {"/app/otp/", "/app/otp/cancel/"}
        assert "/app/otp/disown/?token=" in mailoutbox[-1].body
        done = browser.post(f"{below}/otp/", {"code": last_code(), "next": "/app/secret/"})
        assert done["Location"] == "/app/secret/"
        assert browser.get(f"{below}/secret/").content == b"secret of alice"
        assert browser.get(f"{below}/otp/")["Location"] == "/app/"
    finally:
        clear_script_prefix()


def test_an_exempt_path_below_a_prefix(settings: Any, half: Client) -> None:
    """It is the site's own path, with no prefix, wherever the site is mounted."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/files/"]}
    set_script_prefix("/files/")
    try:
        assert half.get("/files/x", SCRIPT_NAME="/files").content == b"secret of nobody"
        views.RAN.clear()
        response = half.get("/secret/", SCRIPT_NAME="/files")
        assert response["Location"] == "/files/otp/?next=/files/secret/"
    finally:
        clear_script_prefix()
    assert not views.RAN


def test_an_exempt_page_with_a_language(languages: None, alice: Any, nobody: Any) -> None:
    """Open in every language."""
    nobody.post("/de/login/", {"username": "alice", "password": PASSWORD})
    assert nobody.get("/de/open/").content == b"open to nobody"
    assert nobody.get("/fr/open/").content == b"open to nobody"


def test_behind_a_pattern_that_catches_everything(settings: Any, held: Any) -> None:
    """A URLconf with the include in the wrong place is no loop: the pages answer all the same."""
    settings.ROOT_URLCONF = "tests.urlconfs.caught"
    assert_held(restarted(held).get("/secret/"), "/secret/")
    assert held.post(RESEND)["Location"] == VERIFY
    assert 'name="code"' in held.get(VERIFY).content.decode()
    assert_held(held.get("/otp/no-such-page/"), "/otp/no-such-page/")
    response = held.post(VERIFY + "?next=/secret/", {"code": last_code()})
    assert response["Location"] == "/secret/"
    assert held.get(VERIFY).content == b"caught"


def test_prefixes_that_a_client_makes_up_fill_no_memory(half: Client) -> None:
    """A server may pass on a SCRIPT_NAME that the client chose; nothing is kept of each for ever."""
    functions = [item for module in gate_modules() for item in vars(module).values()]
    caches = {item for item in functions if hasattr(item, "cache_info")}
    assert len(caches) > 4
    try:
        for number in range(CACHED + 20):
            set_script_prefix(f"/{number}/")
            response = half.get("/secret/", SCRIPT_NAME=f"/{number}")
            assert response["Location"].startswith(f"/{number}/otp/?next=/{number}/")
    finally:
        clear_script_prefix()
    assert max(cache.cache_info().currsize for cache in caches) <= CACHED


def gate_modules() -> list[Any]:
    return [module for name, module in sys.modules.items() if name.startswith("otp_gate.")]
