"""What everything costs, counted and not timed: `make bench` has the times."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import resolve

from otp_gate import exemptions, store
from tests.browsers import AsyncBrowser, ask_for_code, guess, post_json
from tests.costs import counting, thread_hops
from tests.gates import GATE
from tests.helpers import (
    JSON,
    RESEND,
    VERIFY,
    codes_sent,
    last_code,
    log_in,
    open_page,
    pass_gate,
    wrong_code,
)

# What one look at the session costs, in each engine.
LOOKS = {"db": {"SELECT": 1}, "cache": {"GET": 1}, "cached_db": {"GET": 1}}
USER = Counter(SELECT=1)

SITE = """
import json, sys
from django.conf import settings
gate = sys.argv[1] == "gate"
auth = "django.contrib.auth.middleware.AuthenticationMiddleware"
settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="__main__",
    INSTALLED_APPS=[
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
        "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles",
        *(["otp_gate"] if gate else []),
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        auth,
        *(["otp_gate.middleware.OTPGateMiddleware"] if gate else []),
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    STATIC_URL="static/",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    CACHES={"default": {
        "BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0",
    }},
)
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import include, path
urlpatterns = [
    path("", lambda request: HttpResponse("home")),
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view()),
    *([path("otp/", include("otp_gate.urls"))] if gate else []),
]
response = application.get_response(RequestFactory().get("/"))
assert response.content == b"home", response
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(params=LOOKS)
def engine(request: pytest.FixtureRequest, settings: Any, use_engine: Callable[[str], None]) -> str:
    """Sessions in the database, in Redis, in both."""
    settings.ROOT_URLCONF = "tests.urlconfs.traces"
    use_engine(request.param)
    return str(request.param)


@pytest.fixture(params=["wsgi", "asgi"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def browser_on(server: str, client: Client) -> Any:
    return client if server == "wsgi" else AsyncBrowser(client)


def page_on(server: str, name: str) -> str:
    return f"/{name}/" if server == "wsgi" else f"/a{name}/"


@pytest.fixture
def warm(settings: Any, use_engine: Callable[[str], None], alice: Any, bob: Any) -> Client:
    """Alice's browser after the password; every script has been run before, by Bob."""
    settings.ROOT_URLCONF = "tests.urlconfs.traces"
    use_engine("cache")
    other = Client()
    log_in(other, "bob")
    ask_for_code(other)
    guess(other)
    other.get(VERIFY, headers=JSON)
    other.post(VERIFY, {"code": last_code()})
    client = Client()
    log_in(client)
    # She has typed in a code from her address before.
    client.post(VERIFY, {"code": ask_for_code(client)})
    client = Client()
    log_in(client)
    return client


# Requests


@pytest.mark.parametrize("page", ["nothing", "session", "user"])
def test_a_verified_request_costs_one_look_at_the_session(
    engine: str, server: str, alice: Any, page: str
) -> None:
    """The look that decides, which the view need not take again; and no save of the session."""
    client = Client()
    pass_gate(client)
    with counting() as cost:
        response = browser_on(server, client).get(page_on(server, page))
    assert response.status_code == 200
    assert cost == Counter(LOOKS[engine]) + (USER if page == "user" else Counter())


@pytest.mark.parametrize(("page", "added"), [("nothing", 1), ("session", 0), ("user", 0)])
def test_a_verified_request_hops_no_more_than_its_look(
    settings: Any, engine: str, alice: Any, page: str, added: int
) -> None:
    """Under ASGI, too: one call of `sync_to_async`, unless the view makes it anyway."""
    client = Client()
    pass_gate(client)
    with thread_hops() as gated:
        AsyncBrowser(client).get(f"/a{page}/")
    settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if line != GATE]
    with thread_hops() as plain:
        AsyncBrowser(client).get(f"/a{page}/")
    assert len(gated) - len(plain) == added


@pytest.mark.parametrize("page", ["nothing", "user"])
def test_who_is_turned_away_costs_one_look_at_the_session(
    engine: str, server: str, alice: Any, page: str
) -> None:
    """Not even the user is loaded, whatever the view would have done."""
    client = Client()
    log_in(client)
    with counting() as cost:
        response = browser_on(server, client).get(page_on(server, page))
    assert response.status_code == 302
    assert cost == LOOKS[engine]


@pytest.mark.parametrize("headers", [JSON, {"hx-request": "true"}, {"sec-fetch-dest": "image"}])
def test_every_refusal_costs_the_same(engine: str, server: str, alice: Any, headers: Any) -> None:
    """A page that polls, or loads its pictures, costs no more."""
    client = Client()
    log_in(client)
    with counting() as cost:
        response = browser_on(server, client).get(page_on(server, "user"), headers=headers)
    assert response.status_code == 403
    assert cost == LOOKS[engine]


def test_a_refusal_resolves_the_path_once(monkeypatch: Any, half: Client) -> None:
    """To find the view, and to see whether the path may be `next`: the same question."""
    seen = []

    def counted(path: str, urlconf: str | None = None) -> Any:
        seen.append(path)
        return resolve(path, urlconf)

    half.get("/user/")
    monkeypatch.setattr(exemptions, "resolve", counted)
    assert half.get("/user/").status_code == 302
    assert seen == ["/user/"]


def test_strangers_cost_nothing(engine: str, server: str, db: None) -> None:
    """Without a session there is nothing to look at, by whichever way they come."""
    with counting() as cost:
        response = browser_on(server, Client()).get(page_on(server, "nothing"))
    assert (response.status_code, cost) == (200, Counter())


# Codes: in Redis, with sessions there as well: the first GET is the session's


def test_a_code_is_issued_in_one_trip(warm: Client) -> None:
    """The user is loaded to know where to send it; the session is not saved."""
    with counting() as cost:
        assert warm.get(VERIFY).status_code == 200
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}


def test_a_reload_asks_once_and_sends_nothing(warm: Client) -> None:
    """One trip says that a code is alive, and all that the page shows."""
    open_page(warm)
    sent = len(mail.outbox)
    with counting() as cost:
        assert warm.get(VERIFY).status_code == 200
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}
    assert len(mail.outbox) == sent


def test_a_destination_that_is_not_proven_costs_one_trip_more(warm: Client, alice: Any) -> None:
    """The budget that all share who name it lies under a key of its own."""
    alice.email = "new@example.org"
    alice.save()
    with counting() as cost:
        assert warm.get(VERIFY).status_code == 200
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 2}


def test_another_code_is_issued_in_one_trip(settings: Any, warm: Client) -> None:
    """As the first, with the cooldown and the budget."""
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
    open_page(warm)
    with counting() as cost:
        assert warm.post(RESEND).status_code == 302
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}
    assert len(set(codes_sent()[-2:])) == 2


def test_a_resend_that_cools_down_costs_one_trip(warm: Client) -> None:
    """The refusal comes from the very script that would have issued."""
    open_page(warm)
    with counting() as cost:
        assert warm.post(RESEND).status_code == 429
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}


def test_a_right_code_costs_one_trip_and_one_new_key(warm: Client) -> None:
    """The session is saved under its new key, and once more by its middleware, as after a login."""
    code = open_page(warm)
    with counting() as cost:
        assert warm.post(VERIFY, {"code": code}).status_code == 302
    # The store's own: it finds a free key, takes it, deletes the old one; looks and writes again.
    store_own = {"EXISTS": 1, "SET": 2, "DEL": 1, "GET": 1 + 1, "saves": 2}
    assert cost == {"SELECT": 1, "EVALSHA": 1} | store_own


def test_a_wrong_code_costs_two_trips(warm: Client) -> None:
    """One counts and compares, one counts for the alarm of the whole site; nothing is saved."""
    open_page(warm)
    with counting() as cost:
        assert post_json(warm, VERIFY, {"code": wrong_code()}).status_code == 400
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 2}


def test_a_wrong_code_costs_one_trip_without_the_alarm(settings: Any, warm: Client) -> None:
    """Who switches the alarm off does not pay for it."""
    settings.OTP_GATE = {"ALARM": None}
    open_page(warm)
    with counting() as cost:
        assert post_json(warm, VERIFY, {"code": wrong_code()}).status_code == 400
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}


def test_a_guess_while_locked_costs_one_trip(settings: Any, warm: Client) -> None:
    """It is not compared, so nothing is counted for the alarm."""
    settings.OTP_GATE = {"FAILURES": {"lock_after": 2}}
    open_page(warm)
    guess(warm, 2)
    with counting() as cost:
        assert post_json(warm, VERIFY, {"code": wrong_code()}).status_code == 429
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}


def test_what_is_no_code_costs_one_trip(warm: Client) -> None:
    """It is asked whether the user is locked; nothing is counted."""
    open_page(warm)
    with counting() as cost:
        assert post_json(warm, VERIFY, {"code": "letters"}).status_code == 400
    assert cost == {"GET": 1, "SELECT": 1, "EVALSHA": 1}


# Memory


def test_a_pending_login_takes_120_bytes(warm: Client) -> None:
    """Key, fields and values; Redis's own book-keeping comes on top (see docs/benchmarks.md).

    It goes by itself: who never types the code leaves nothing behind.
    """
    redis = store.client("default")
    redis.flushdb()
    log_in(warm)
    open_page(warm)
    [key] = redis.keys("*otp_gate:*}")
    record = redis.hgetall(key)
    assert sorted(field[0] for field in record) == ["c", "i", "s", "u"]
    assert len(key) + sum(len(field) + len(value) for field, value in record.items()) == 120
    assert max(map(len, record.values())) <= 64
    assert 0 < redis.ttl(key) <= 86_400


def test_every_key_has_an_end(settings: Any, warm: Client) -> None:
    """Whatever was done: nothing stays in Redis for ever."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (1000, 60), "FAILURES": {"lock_after": 3, "stop": 3}}
    redis = store.client("default")
    open_page(warm)
    guess(warm, 3)
    settings.OTP_GATE = {"MODE": "report"}
    warm.get("/user/")
    keys = redis.keys("*")
    assert {key.rpartition(":")[2] for key in keys if "{site}" in key} == {
        "alarm",
        "report",
        "sends",
    }
    assert [key for key in keys if redis.ttl(key) <= 0] == []


# Start-up


def modules(which: str) -> set[str]:
    """Return what a worker process has imported when it has answered its first request."""
    answer = subprocess.run(
        [sys.executable, "-c", SITE, which], capture_output=True, text=True, check=True
    )
    return set(json.loads(answer.stdout))


@pytest.mark.once
def test_a_worker_process_imports_no_more_than_it_needs() -> None:
    """No client of Redis before the first code; no checks, no tools, no factor that is not used."""
    # The first is no cost of the gate: hardly any worker does without it.
    added = modules("gate") - modules("bare") - {"__future__"}
    own = {name for name in added if name.partition(".")[0] == "otp_gate"}
    others = {name.partition(".")[0] for name in added - own}
    assert others <= {"django", *sys.stdlib_module_names}, sorted(added - own)
    assert len(added) <= 30, sorted(added)
    idle = {"checks", "doctor", "inventory", "management", "cluster", "decorators", "followers"}
    # By the worker that refuses the first request, or sends the first code.
    idle |= {"responses", "clients", "reports", "challenge", "store", "factors", "delivery"}
    assert {name.split(".")[1] for name in own if "." in name} & idle == set()
