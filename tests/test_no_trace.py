"""What the gate lets through is what it would be without the gate, byte for byte."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.browsers import AsyncBrowser, redis_commands
from tests.costs import thread_hops
from tests.gates import GATE
from tests.helpers import log_in, pass_gate

ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]
PAGES = ["/nothing/", "/session/", "/user/", "/writes/", "/anothing/", "/asession/", "/auser/"]
ANSWERS_OF_DJANGO = ["/no-such-page/", "/nothing", "/static/none.css"]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[time_machine.Traveller]:
    """Cookies say when they expire: two requests of the same second are compared."""
    with time_machine.travel(time.time(), tick=False) as traveller:
        yield traveller


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Any, use_engine: Callable[[str], None]) -> str:
    """Sessions in the database, in Redis, in both, in files, in the cookie itself."""
    settings.ROOT_URLCONF = "tests.urlconfs.traces"
    use_engine(request.param)
    return str(request.param)


def without_cookie(settings: Any) -> str:
    return ""


def with_a_session(settings: Any) -> str:
    """A stranger with a basket."""
    client = Client()
    session = client.session
    session["basket"] = "cheese"
    session.save()
    return str(session.session_key)


def with_a_stale_cookie(settings: Any) -> str:
    """The session was there and is gone."""
    key = with_a_session(settings)
    caches["default"].clear()
    Session.objects.all().delete()
    return key


def with_a_strange_cookie(settings: Any) -> str:
    """No session ever had such a key."""
    return "../../etc/passwd"


def with_a_short_cookie(settings: Any) -> str:
    """Django does not even look for it."""
    return "short"


def verified(settings: Any) -> str:
    client = Client()
    pass_gate(client)
    return str(client.cookies["sessionid"].value)


def not_required(settings: Any) -> str:
    """Logged in, on a site where only staff need a code."""
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    client = Client()
    log_in(client)
    return str(client.cookies["sessionid"].value)


PEOPLE: list[Callable[[Any], str]] = [
    without_cookie,
    with_a_session,
    with_a_stale_cookie,
    with_a_strange_cookie,
    with_a_short_cookie,
    verified,
    not_required,
]


class Visit:
    """One request, in a browser of its own: what came back, and what it cost."""

    def __init__(self, server: str, key: str, page: str) -> None:
        client = Client(raise_request_exception=False)
        browser: Any = client if server == "wsgi" else AsyncBrowser(client)
        if key:
            browser.cookies["sessionid"] = key
        with (
            CaptureQueriesContext(connection) as queries,
            redis_commands() as commands,
            thread_hops() as hops,
        ):
            response = browser.get(page)
        self.hops = len(hops)
        self.cost = Counter(query["sql"].split()[0] for query in queries) + Counter(commands)
        # A session that is begun here has another key each time.
        cookies = re.sub(r"(sessionid)=[a-z0-9]{32}", r"\1=a key", response.cookies.output())
        headers = sorted(response.headers.items())
        self.seen = response.status_code, headers, cookies, response.content


def take_gate_away(settings: Any) -> None:
    settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if line != GATE]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_no_trace(settings: Any, alice: Any, engine: str, server: str, person: Any) -> None:
    """Status, headers, cookies and body are the same; the cost is that of looking who it is.

    That look is the one that a view takes at the session (at the user, under a policy that is
    about users), and no more: a view that takes it too costs what it costs without the gate.
    """
    key = person(settings)
    pages = [*PAGES, *ANSWERS_OF_DJANGO]
    gated = {page: Visit(server, key, page) for page in pages}
    take_gate_away(settings)
    plain = {page: Visit(server, key, page) for page in pages}
    for page in pages:
        assert gated[page].seen == plain[page].seen, page
        look = "user" if person is not_required else "session"
        prefix = "/a" if page.startswith("/a") else "/"
        assert gated[page].cost == plain[page].cost | plain[f"{prefix}{look}/"].cost, page


@pytest.mark.parametrize("person", PEOPLE)
def test_no_thread_hop(settings: Any, alice: Any, engine: str, person: Any) -> None:
    """Under ASGI the gate calls `sync_to_async` for nothing but Django's own look, once."""
    key = person(settings)
    pages = [page for page in PAGES if page.startswith("/a")]
    gated = {page: Visit("asgi", key, page).hops for page in pages}
    take_gate_away(settings)
    plain = {page: Visit("asgi", key, page).hops for page in pages}
    look = plain["/auser/" if person is not_required else "/asession/"]
    assert gated == {page: max(hops, look) for page, hops in plain.items()}


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_a_visit_is_no_session(settings: Any, engine: str, server: str, db: None) -> None:
    """Strangers cost no row, no cookie and no command, however often they come."""
    for _ in range(20):
        visit = Visit(server, "", "/nothing/")
        assert (visit.cost, visit.seen[2]) == (Counter(), "")
    assert not Session.objects.exists()


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_who_is_turned_away_costs_one_look(
    settings: Any, engine: str, server: str, alice: Any
) -> None:
    """Not even the user is loaded, and nothing is asked of Redis."""
    client = Client()
    log_in(client)
    key = str(client.cookies["sessionid"].value)
    held = Visit(server, key, "/user/")
    assert held.seen[0] == 302
    take_gate_away(settings)
    assert held.cost == Visit(server, key, "/session/").cost


def test_the_policy_of_staff_lets_the_verified_pass_unasked(
    settings: Any, engine: str, alice: Any
) -> None:
    """A mark counts before the policy: nobody is loaded for it."""
    User.objects.update(is_staff=True)
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    key = verified(settings)
    gated = Visit("wsgi", key, "/nothing/")
    take_gate_away(settings)
    assert gated.cost == Visit("wsgi", key, "/session/").cost


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_an_expired_session(
    settings: Any, engine: str, server: str, page: str, frozen: time_machine.Traveller, db: None
) -> None:
    """Some engines begin a new one at once, others forget it; the gate is not seen in either."""
    first, second = with_a_session(settings), with_a_session(settings)
    frozen.shift(15 * 86_400)
    gated = Visit(server, first, page)
    take_gate_away(settings)
    assert gated.seen == Visit(server, second, page).seen
