"""Own pages under other URLconfs: tenants, hosts, languages. Never a 404, never a loop."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.flatpages.models import FlatPage
from django.contrib.sites.models import Site

from tests import views
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import LOGIN, PASSWORD, RESEND, VERIFY, last_code

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
