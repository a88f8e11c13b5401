from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from tests.projects.contract import Project, admin_login, superuser
from tests.projects.qsessions.cas_server import LOG_OUT

Make = Callable[[], Any]
NUMBERS = count(1)


def prepare() -> None:
    superuser()


def single_sign_on(client: Any) -> None:
    assert client.get(f"/cas/login?ticket=ST-{next(NUMBERS)}").status_code == 302


def from_elsewhere(client: Any, path: str) -> Any:
    """Ask for a page with another browser, and from another address where a client can say so."""
    number = next(NUMBERS) % 250
    where = {} if hasattr(client, "client") else {"REMOTE_ADDR": f"10.0.0.{number}"}
    return client.get(path, headers={"user-agent": f"Browser {number}"}, **where)


def sessions() -> Any:
    from importlib import import_module

    from django.conf import settings

    models = import_module(settings.SESSION_ENGINE.replace("backends.db", "models"))
    return models.Session.objects


def new_browser(make: Make) -> Any:
    """Return a browser of a site on which nobody has a session."""
    sessions().all().delete()
    return make()


def cart_survives_another_address(make: Make) -> None:
    client = new_browser(make)
    client.get("/cart/add/")
    for path in ("/cart/", "/plain/", "/acart/", "/nothing/", "/plain/", "/acart/", "/cart/"):
        response = from_elsewhere(client, path)
        if "cart" in path:
            assert response.content == b"a book", (path, response.content)
    assert sessions().count() == 1


def login_survives_another_address(make: Make) -> None:
    """Half-authenticated on the way to the code, and verified from then on."""
    from tests.projects.crawl import is_gate, type_code

    client = new_browser(make)
    client.get("/cart/add/")
    admin_login(client)
    for _ in range(3):
        assert is_gate(from_elsewhere(client, "/account/"))
    type_code(client)
    for path in ("/account/", "/nothing/", "/plain/", "/acart/", "/otp/", "/account/", "/cart/"):
        response = from_elsewhere(client, path)
        if path == "/account/":
            assert response.content == b"account of alice", response
        if "cart" in path:
            assert response.content == b"a book", response
    assert sessions().count() == 1
    assert sessions().get().user.username == "alice"


def stale_cookie_stores_nothing(make: Make) -> None:
    client = new_browser(make)
    client.cookies["sessionid"] = "0123456789abcdefghijklmnopqrstuv"
    for _ in range(3):
        assert from_elsewhere(client, "/plain/").content == b"plain"
    assert sessions().count() == 0
    assert from_elsewhere(client, "/cart/").content == b"empty"


def single_log_out_ends_the_session(make: Make) -> None:
    """Before the code and after it, by the ticket of the login."""
    from tests.projects.crawl import is_gate, type_code

    for verified in (False, True):
        client, ticket = new_browser(make), f"ST-log-out-{next(NUMBERS)}"
        assert client.get(f"/cas/login?ticket={ticket}").status_code == 302
        assert is_gate(client.get("/account/"))
        if verified:
            type_code(client)
            assert client.get("/account/").content == b"account of alice"
        server = make()
        response = server.post("/cas/login", {"logoutRequest": LOG_OUT.format(ticket=ticket)})
        assert response.status_code == 302, response
        response = client.get("/account/")
        assert response["Location"] == "/admin/login/?next=/account/", response.headers
        assert sessions().filter(user__username="alice").count() == 0


def log_of_axes_knows_the_log_out(make: Make) -> None:
    """After the password alone, and after the code."""
    from axes.models import AccessLog

    from tests.projects.crawl import type_code

    for leave in ("/otp/cancel/", "/admin/logout/"):
        client = make()
        admin_login(client)
        log = AccessLog.objects.latest("pk")
        if leave == "/admin/logout/":
            type_code(client)
        client.post(leave)
        log.refresh_from_db()
        assert log.logout_time is not None, leave


STORIES = {
    "a cart survives another address": cart_survives_another_address,
    "a login survives another address": login_survives_another_address,
    "a stale cookie stores nothing": stale_cookie_stores_nothing,
    "single log-out ends the session": single_log_out_ends_the_session,
    "the log of axes knows the log-out": log_of_axes_knows_the_log_out,
}
LOGS = ("axes_accesslog",)
UNSTABLE = (r"\b[0-9a-z]{32}\b",)  # keys of sessions
SAMPLES = {"object_id": "1", "content_type_id": "4"}
ROADS = {"admin login": admin_login, "single sign-on": single_sign_on}

PROJECT = Project(
    packages=("django-qsessions", "django-cas-ng", "django-axes"),
    inside="/account/",
    roads=ROADS,
    prepare=prepare,
    samples=SAMPLES,
    logs=LOGS,
    stories=STORIES,
    unstable=UNSTABLE,
)
