"""What stays open: by name, by path, by decorator; and whom an open page sees."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.test import Client

from tests import urls, views
from tests.gates import assert_held
from tests.helpers import VERIFY


def is_open(client: Any, path: str, **kwargs: Any) -> bool:
    """True if a view ran, and it saw nobody; False if the client was turned away."""
    views.RAN.clear()
    response = client.get(path, **kwargs)
    if response.status_code == 200:
        assert response.content in (b"secret of nobody", b"home of nobody", b"plain")
        return True
    assert (response.status_code, views.RAN.total()) == (302, 0)
    assert response["Location"].startswith(VERIFY)
    return False


# By name


@pytest.mark.parametrize(
    ("names", "opened", "shut"),
    [
        (["secret"], ["/secret/"], ["/files/x", "/named/one/", "/", "/plain/"]),
        (["plain"], ["/plain/"], ["/secret/", "/no-such-page/"]),
        (["named:one"], ["/named/one/"], ["/named/two/1/", "/named/deep/three/", "/secret/"]),
        (["named:two"], ["/named/two/1/", "/named/two/22/"], ["/named/two/x/", "/named/one/"]),
        (["named:*"], ["/named/one/", "/named/nameless/", "/named/deep/three/"], ["/secret/"]),
        (["named:tests.views.secret", "tests.views.secret"], [], ["/named/nameless/", "/secret/"]),
        (["named:deep:*"], ["/named/deep/three/"], ["/named/one/"]),
        (["named:deep:three"], ["/named/deep/three/"], ["/named/one/"]),
        (["one"], [], ["/named/one/"]),
        (["deep:*"], [], ["/named/deep/three/"]),
        (["*"], [], ["/", "/secret/", "/named/one/"]),
        (["nam:*"], [], ["/named/one/"]),
        (["named"], [], ["/named/one/"]),
        (["named:on"], [], ["/named/one/"]),
        (["secret", "home"], ["/secret/", "/"], ["/plain/"]),
        (("no-such-name",), [], ["/", "/secret/", "/no-such-page/"]),
    ],
)
def test_views_are_exempt_by_their_full_name(
    settings: Any, held: Any, names: list[str], opened: list[str], shut: list[str]
) -> None:
    """`namespace:name`, or `namespace:*` with all below it; never by a part of a name."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": names}
    assert [path for path in opened + shut if is_open(held, path)] == opened


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_exempt_view_is_open_to_every_method(settings: Any, half: Client, method: str) -> None:
    """Nothing is decided on the method, here neither."""
    settings.OTP_GATE = {"EXEMPT_VIEWS": ["class"]}
    assert getattr(half, method)("/class/").content == b"secret of nobody"


# By path


@pytest.mark.parametrize(
    ("prefix", "opened", "shut"),
    [
        ("/files/", ["/files/a", "/files/a/b"], ["/files", "/filesx/", "/secret/"]),
        ("/files", ["/files/a"], ["/filesx/a", "/secret/"]),
        ("files", ["/files/a"], ["/secret/"]),
        ("/files/a", ["/files/a", "/files/a/b"], ["/files/ab", "/files/b", "/files/"]),
        ("/files/a/", ["/files/a/b"], ["/files/a", "/files/ab"]),
        ("/", [], ["/", "/secret/", "/files/a"]),
        ("//", [], ["/", "/secret/", "/files/a"]),
        ("/FILES/", [], ["/files/a"]),
        ("*", [], ["/", "/secret/"]),
    ],
)
def test_paths_are_exempt_by_whole_segments(
    settings: Any, held: Any, prefix: str, opened: list[str], shut: list[str]
) -> None:
    """`/files` opens `/files/a` and not `/filesx`; nothing opens the root."""
    settings.OTP_GATE = {"EXEMPT_PATHS": [prefix]}
    assert [path for path in opened + shut if is_open(held, path)] == opened


def test_paths_are_exempt_decoded(settings: Any, half: Client) -> None:
    """The setting holds the path as a person writes it."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/files/ä b"]}
    assert is_open(half, "/files/%C3%A4%20b")
    assert is_open(half, "/files/%C3%A4%20b/c")
    assert not is_open(half, "/files/%C3%A4")


@pytest.mark.parametrize(
    "path",
    [
        *["/files/../secret/", "/files/./a", "/files/..", "/files/.", "/files/a/../../secret/"],
        *["/files//a", "/files//", "//files/a", "/files/..;/secret/", "/files/.;x/a"],
        *["/files/%2e%2e/secret/", "/files/%2fsecret/", "/files/%5c..%5csecret", "/files/a\\b"],
        *["/files/a\0", "/files/%00"],
    ],
)
def test_a_path_that_may_mean_another_is_not_exempt(settings: Any, half: Client, path: str) -> None:
    """Servers and views disagree about dots, doubled slashes and what is still encoded."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/files/"]}
    assert not is_open(half, "/", PATH_INFO=path)


def test_what_is_exempt_by_path_need_not_exist(settings: Any, held: Any) -> None:
    """What has no name, a 404 among it, is what paths are for."""
    settings.OTP_GATE = {"EXEMPT_PATHS": ["/health"]}
    assert held.get("/health/none").status_code == 404
    assert held.get("/health").status_code == 404


def test_settings_of_static_files_open_nothing(settings: Any, half: Client) -> None:
    """Neither an empty STATIC_URL nor "/" nor MEDIA_URL is a prefix to the gate."""
    for url in ("", "/", "secret/", "/secret/"):
        settings.STATIC_URL = settings.MEDIA_URL = url
        assert_held(half.get("/secret/"), "/secret/")


def test_the_style_sheet_comes_from_a_development_server(settings: Any, held: Any) -> None:
    """Django's own view of static files is open, as that function and not as a prefix."""
    settings.DEBUG = True
    settings.ROOT_URLCONF = (*staticfiles_urlpatterns("/static/"), *urls.urlpatterns)
    response = held.get("/static/otp_gate/verify.css", headers={"sec-fetch-dest": "style"})
    assert response.status_code == 200
    for path in ("/static", "/staticfoo/", "/static%2f..%2fsecret/", "/static/../secret/"):
        assert held.get(path).status_code in (302, 400, 404)
    assert not views.RAN
    assert_held(held.get("/secret/"), "/secret/")


# Whom an exempt page sees


@pytest.mark.parametrize("page", ["/open/", "/aopen/", "/open-class/"])
def test_an_exempt_page_sees_nobody(held: Any, page: str) -> None:
    """By `request.user` and by `await request.auser()`."""
    assert held.get(page).content == b"open to nobody"


def test_an_exempt_page_sees_the_verified(passed: Any) -> None:
    """Nothing is hidden from who has proved himself."""
    for page in ("/open/", "/aopen/", "/open-class/", "/reveal/"):
        assert passed.get(page).content == b"open to alice"


def test_an_exempt_page_may_ask_to_see(held: Any) -> None:
    """`reveal_user=True`, for a page that says so itself."""
    assert held.get("/reveal/").content == b"open to alice"


@pytest.mark.parametrize("page", ["/template/", "/atemplate/"])
def test_templates_see_nobody(settings: Any, held: Any, page: str) -> None:
    """`user` and `perms` of the context processors are the hidden user's as well."""
    settings.ROOT_URLCONF = "tests.urlconfs.open_pages"
    assert held.get(page).content == b"user: AnonymousUser, staff: False, in: False, may: False"


def test_who_is_hidden_may_not_pass_a_login_check(settings: Any, held: Any) -> None:
    """`login_required` inside an exempt page is a login, not a way in."""
    settings.ROOT_URLCONF = "tests.urlconfs.open_pages"
    for page in ("/members/", "/amembers/"):
        response = held.get(page)
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={page}")
    assert not views.RAN


def test_a_page_with_a_mark_is_marked_alone(settings: Any, held: Any) -> None:
    """The same function without the decorator, and a subclass with its own dispatch, are shut."""
    settings.ROOT_URLCONF = "tests.urlconfs.open_pages"
    assert held.get("/open-twin/").content == b"secret of nobody"
    views.RAN.clear()
    assert_held(held.get("/twin/"), "/twin/")
    assert_held(held.get("/own-dispatch/"), "/own-dispatch/")
