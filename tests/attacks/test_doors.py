"""A-01 to A-29: ways around the door, by URL, method, header, login and stack."""

from __future__ import annotations

import io
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.tokens import default_token_generator
from django.contrib.redirects.models import Redirect
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from django.urls import (
    URLPattern,
    URLResolver,
    clear_script_prefix,
    get_resolver,
    set_script_prefix,
)
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from tests import views
from tests.browsers import AsyncBrowser
from tests.gates import GATE, assert_held, put_around_gate, restarted
from tests.helpers import JSON, PASSWORD, VERIFY, last_code, open_page

OPEN = {"open", "aopen", "open-class", "reveal", "status", "astatus", "magic"}
OWN = {"verify", "resend", "cancel", "disown"}
SAMPLES = {"username": "alice", "rest": "x", "app_label": "auth", "object_id": "1", "url": "x"}


def shut(response: Any) -> bool:
    """True for an answer of the gate that no view had a part in."""
    held = response.status_code == 403 or (
        response.status_code == 302 and urlsplit(response["Location"]).path == VERIFY
    )
    return held and "no-store" in response["Cache-Control"] and not views.RAN


def patterns(resolver: URLResolver, prefix: str = "") -> list[tuple[str, str]]:
    """Return an address and the name of every pattern of a URLconf."""
    found = []
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found += patterns(pattern, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            route = prefix + str(pattern.pattern)
            for name in pattern.pattern.converters:
                for kind in ("str", "path", "slug"):
                    route = route.replace(f"<{kind}:{name}>", SAMPLES.get(name, "x"))
            found.append((route, pattern.name or ""))
    return found


def test_a_01_every_url_of_the_project_is_shut(half: Client) -> None:
    """Walked pattern by pattern, the admin and what catches everything included."""
    shut_ones = 0
    for route, name in patterns(get_resolver()):
        if name in OPEN | OWN or "(" in route:
            continue
        views.RAN.clear()
        assert shut(half.get("/" + route)), route
        shut_ones += 1
    assert shut_ones > 40


def test_a_02_the_login_of_the_admin_is_no_second_door(admin_user: Any) -> None:
    """The admin's own login page leads to the same gate."""
    client = Client()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    for page in ("", "jsi18n/", "autocomplete/", "password_change/", "auth/user/"):
        assert shut(client.get(f"/admin/{page}")), page
    assert not LogEntry.objects.exists()


def test_a_03_nothing_is_changed_in_the_admin(admin_user: Any, alice: Any) -> None:
    """Neither by a form nor by an action on many rows."""
    client = Client()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    assert shut(client.post(f"/admin/auth/user/{alice.pk}/change/", {"username": "mallory"}))
    action = {"action": "delete_selected", "_selected_action": alice.pk, "post": "yes"}
    assert shut(client.post("/admin/auth/user/", action))
    alice.refresh_from_db()
    assert alice.username == "alice"


def test_a_04_a_password_reset_is_no_way_in(settings: Any, client: Client, alice: Any) -> None:
    """Also where it logs in at once."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    uid = urlsafe_base64_encode(force_bytes(alice.pk))
    token = default_token_generator.make_token(alice)
    form = client.get(f"/reset/{uid}/{token}/", follow=True).redirect_chain[-1][0]
    new = {"new_password1": "a new correct horse", "new_password2": "a new correct horse"}
    assert client.post(form, new).status_code == 302
    assert "_auth_user_id" in client.session
    assert_held(client.get("/secret/"), "/secret/")


def test_a_05_every_road_of_login_ends_before_the_gate(
    settings: Any, client: Client, alice: Any
) -> None:
    """A magic link, `login()` in an async view, single sign-on, the test client's own."""
    settings.ROOT_URLCONF = "tests.urlconfs.roads"
    put_around_gate(settings, after=["tests.middlewares.LogsIn"])
    roads: list[Any] = [
        lambda c: c.get("/magic/alice/"),
        lambda c: c.get("/amagic/alice/"),
        lambda c: c.force_login(alice),
        lambda c: c.get("/open/", headers={"x-log-in": "alice"}),
    ]
    for road in roads:
        browser = Client()
        road(browser)
        views.RAN.clear()
        assert_held(browser.get("/secret/"), "/secret/")


SPELLINGS = [
    "/secret",
    "/secret//",
    "/SECRET/",
    "/%73ecret/",
    "/./secret/",
    "/secret/..;/",
    "//secret/",
    "/secret/;a=b",
    "/secret%2f",
    "/secret/?x=/open/",
    "/open/../secret/",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_07_no_spelling_of_an_address_leads_past(half: Client, spelling: str) -> None:
    """What a server hands on undecoded or decoded, and what it leaves alone."""
    assert shut(half.generic("GET", spelling))
    assert shut(half.get("/", PATH_INFO=spelling.partition("?")[0]))


PAST_STATIC = [
    "/files",
    "/filesx/",
    "/filesecret/",
    "/secret/files/",
    "/files%2f..%2fsecret/",
    "/files/../secret/",
]


@pytest.mark.parametrize("path", PAST_STATIC)
def test_a_08_an_open_path_opens_nothing_beside_it(settings: Any, half: Client, path: str) -> None:
    """Prefixes are whole segments of the path that is really resolved."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/files/"]}
    assert half.get("/files/deep").content == b"secret of nobody"
    views.RAN.clear()
    assert shut(half.get("/", PATH_INFO=path))


def test_a_09_an_open_view_opens_no_other(settings: Any, half: Client) -> None:
    """The view by that full name, with whatever arguments, method and host; nothing else."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["files"]}
    for method in ("GET", "POST", "DELETE"):
        response = half.generic(method, "/files/deep/er", headers={"host": "a.example.org"})
        assert response.content in (b"secret of nobody", b"")
        views.RAN.clear()
    for path in ("/secret/", "/named/secret/", "/file/x"):
        assert shut(half.get(path, headers={"host": "a.example.org"}))


@pytest.mark.parametrize("path", ["/nothing/", "/secret", "/en/secret/", "/favicon.ico"])
def test_a_10_an_unknown_url_answers_like_a_known_one(half: Client, path: str) -> None:
    """So nobody learns which pages there are."""
    assert_held(half.get(path), path)


METHODS = ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "post", "BREW"]


@pytest.mark.parametrize("method", METHODS)
def test_a_11_no_method_leads_past(half: Client, method: str) -> None:
    """Nor one that is overridden by a header or a field."""
    assert shut(half.generic(method, "/secret/"))
    override = {"x-http-method-override": "GET"}
    assert shut(half.generic(method, "/class/?_method=GET", headers=override))


@pytest.mark.parametrize(
    "path", ["%0a", "%00", "%09", "%e2%80%8b", "%ff%fe", "%2e%2e/", "x" * 9000]
)
def test_a_12_odd_characters_lead_nowhere(half: Client, path: str) -> None:
    """Gated, and no 500."""
    assert shut(half.generic("GET", f"/secret/{path}"))
    assert shut(half.generic("GET", f"/{path}secret/"))


@pytest.fixture
def mounted(settings: Any) -> Any:
    """The site below `/app`, as a WSGI server mounts it."""
    settings.FORCE_SCRIPT_NAME = "/app"
    set_script_prefix("/app/")
    yield Client(SCRIPT_NAME="/app")
    clear_script_prefix()


def test_a_13_under_a_script_prefix(mounted: Client, alice: Any) -> None:
    """Redirect, page, code and way on keep the prefix."""
    mounted.force_login(alice)
    response = mounted.get("/secret/")
    assert response["Location"] == "/app/otp/?next=/app/secret/"
    assert mounted.get("/otp/?next=/app/secret/").status_code == 200
    done = mounted.post("/otp/", {"code": last_code(), "next": "/app/secret/"})
    assert done["Location"] == "/app/secret/"


def test_a_14_between_languages(settings: Any, alice: Any) -> None:
    """The page under a language prefix answers, whatever the browser says next."""
    settings.ROOT_URLCONF = "tests.urlconfs.languages"
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    middleware = list(settings.MIDDLEWARE)
    middleware.insert(2, "django.middleware.locale.LocaleMiddleware")
    settings.MIDDLEWARE = middleware
    client = Client()
    client.force_login(alice)
    first = client.get("/en/secret/", headers={"accept-language": "en"})
    page = client.get(first["Location"], headers={"accept-language": "de"})
    assert page.status_code == 200
    path = urlsplit(first["Location"]).path
    done = client.post(path, {"code": last_code()}, headers={"accept-language": "de"})
    assert done.status_code == 302
    assert client.get("/en/secret/").status_code == 200


@pytest.mark.parametrize(
    "header", ["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-forwarded-uri"]
)
def test_a_15_no_header_names_another_page(half: Client, header: str) -> None:
    """What a proxy may be made to say counts for nothing."""
    assert shut(half.get("/secret/", headers={header: "/open/"}))


@pytest.mark.parametrize("name", ["host", "x-forwarded-host"])
def test_a_16_a_forged_host_is_in_no_address(half: Client, name: str) -> None:
    """Refused, or ignored."""
    response = half.get("/secret/", headers={name: "evil.example"})
    assert response.status_code in (302, 400)
    assert "evil.example" not in str(response.headers)
    assert not views.RAN


RAW = {
    "absolute form": b"GET http://127.0.0.1/secret/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "two hosts": b"GET /secret/ HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n",
    "two slashes": b"GET //secret/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "bare": b"GET /secret/ HTTP/1.0\r\n",
}


@pytest.mark.parametrize("kind", RAW)
def test_a_17_raw_requests_lead_nowhere(live_server: Any, half: Client, kind: str) -> None:
    """As no browser would send them."""
    address = urlsplit(live_server.url)
    cookie = half.cookies["sessionid"].value.encode()
    with socket.create_connection((address.hostname or "", address.port or 0), 10) as connection:
        connection.sendall(RAW[kind] + b"Cookie: sessionid=" + cookie + b"\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.split(b" ", 2)[1] in (b"302", b"400")
    assert b"secret of" not in answer
    assert not views.RAN


def test_a_18_a_large_body_is_not_read(half: Client) -> None:
    """Ten megabytes to a shut page: answered before a byte of them is asked for."""

    class Unread(io.RawIOBase):
        asked = 0

        def readinto(self, _: Any) -> int:
            self.asked += 1
            return 0

    body = Unread()
    response = half.generic(
        "POST", "/secret/", content_type="text/plain",
        **{"wsgi.input": body, "CONTENT_LENGTH": str(10 * 2**20)},
    )  # fmt: skip
    assert shut(response)
    assert response.status_code in (302, 303, 403)
    assert body.asked == 0


def test_a_19_the_same_on_an_asgi_server(half: Client) -> None:
    """Sync, async and class views, and what `auser` answers."""
    browser = AsyncBrowser(half)
    for page in ("/secret/", "/asecret/", "/class/", "/aclass/", "/nothing/"):
        assert shut(browser.get(page)), page
    assert browser.get("/aopen/").content == b"open to nobody"


EVIL = [
    "//e.example", "///e.example", "/\\e.example", "\\\\e.example", "http:e.example",
    "https:///e.example", "https://e.example", "javascript:alert(1)", "data:text/html,x",
    "/\r\nSet-Cookie: a=b", "/\t/e.example", "https://testserver@e.example", "//e。example",
    "http://testserver.e.example", "x" * 10_000, "\x00", "https://[", " //e.example",
]  # fmt: skip


@pytest.mark.parametrize("target", EVIL)
def test_a_20_next_leads_nowhere_else(half: Client, target: str) -> None:
    """Wherever it is given: to the page, to the check, by form and by JSON."""
    code = open_page(half)
    page = half.get(VERIFY, {"next": target})
    assert page.status_code == 200
    response = half.post(VERIFY, {"code": code, "next": target}, query_params={"next": target})
    assert response.status_code == 302
    away = urlsplit(response["Location"])
    assert (away.scheme, away.netloc) == ("", "")
    assert "e.example" not in away.path
    assert "\n" not in str(response.headers["Location"])


@pytest.mark.parametrize("target", ["/otp/", "/otp/resend/", "/otp/cancel/", "/logout/", "/login/"])
def test_a_21_next_makes_no_loop(half: Client, target: str) -> None:
    """The gate's own pages are never where somebody goes on, nor where he is logged out at once."""
    response = half.post(VERIFY, {"code": open_page(half), "next": target})
    arrived = half.get(response["Location"])
    assert arrived.status_code in (200, 405)
    assert response["Location"] not in ("/otp/", "/otp/resend/", "/otp/cancel/")
    assert half.get("/secret/").content == b"secret of alice"


def test_a_22_of_several_nexts_one_counts(half: Client) -> None:
    """And that one is looked at."""
    response = half.post(
        f"{VERIFY}?next=//e.example&next=/plain/",
        f"code={open_page(half)}&next=/secret/&next=//e.example",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 302
    assert urlsplit(response["Location"]).netloc == ""


def test_a_23_only_a_page_is_gone_back_to(half: Client) -> None:
    """Not what was posted, nor what a script asked for."""
    assert_held(half.post("/secret/"))
    assert half.get("/secret/", headers=JSON).json()["verify_url"] == VERIFY


def test_a_24_a_secure_site_goes_on_securely(settings: Any, half: Client) -> None:
    """From https no way leads back to http, also on this host."""
    target = "http://testserver/secret/"
    code = open_page(half)
    response = half.post(VERIFY, {"code": code, "next": target}, secure=True)
    assert response["Location"] == "/"


@pytest.mark.parametrize("wrong", ["first", "before sessions", "twice", "missing"])
def test_a_25_a_gate_in_the_wrong_place_is_never_silent(
    settings: Any, client: Client, wrong: str
) -> None:
    """The check says so, and a request that is served all the same says so again."""
    others = [name for name in settings.MIDDLEWARE if name != GATE]
    settings.MIDDLEWARE = {
        "first": [GATE, *others],
        "before sessions": [others[0], GATE, *others[1:]],
        "twice": [*others, GATE, GATE],
        "missing": others,
    }[wrong]
    with pytest.raises(SystemCheckError, match=r"otp_gate\.E"):
        call_command("check")
    if wrong in ("first", "before sessions"):
        with pytest.raises(ImproperlyConfigured, match="MIDDLEWARE"):
            client.get("/plain/")


def test_a_26_a_redirect_of_the_404_is_not_followed(settings: Any, half: Client) -> None:
    """Nor is a flat page shown: what acts on a missing page acts behind the gate."""
    put_around_gate(
        settings, after=["django.contrib.redirects.middleware.RedirectFallbackMiddleware"]
    )
    Redirect.objects.create(site_id=1, old_path="/hidden/", new_path="/token-in-here/")
    assert_held(restarted(half).get("/hidden/"), "/hidden/")


ACCEPTS = ["application/json", "text/html", "*/*", "junk;,,;q=", "x" * 8192, ""]


@pytest.mark.parametrize("accept", ACCEPTS)
def test_a_29_no_header_changes_more_than_the_form_of_the_refusal(
    half: Client, accept: str
) -> None:
    """Whatever is asked for, by whom and for what."""
    kinds: list[dict[str, str]] = [
        {},
        {"x-requested-with": "XMLHttpRequest"},
        {"hx-request": "true"},
        *({"sec-fetch-dest": dest} for dest in ("document", "image", "empty", "iframe", "junk")),
        *({"sec-fetch-mode": mode} for mode in ("navigate", "cors", "websocket")),
        {"sec-purpose": "prefetch"},
    ]
    for headers in kinds:
        response = half.get("/secret/", headers={"accept": accept, **headers})
        assert response.status_code in (200, 302, 403)
        assert "secret of" not in response.content.decode()
        assert "no-store" in response["Cache-Control"]
    assert not views.RAN
