"""Whole logins, one after the other, on every kind of server: no errors, and the cost as designed."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
import redis

from otp_gate import codes
from otp_gate.challenge import Challenge
from tests import table
from tests.browsers import redis_at
from tests.servers import gunicorn, redis_process, uvicorn
from tests.torture.conftest import Serve, often
from tests.torture.load import Person, crowd

pytestmark = [pytest.mark.once, pytest.mark.torture]

SCRIPTS = 5
"""For each login with one wrong code: issue, verify twice, GLOBAL_SENDS and ALARM.

By itself a login takes two; the settings of the torture ask for both limits of the site.
"""

STATEMENTS = {
    "GET /login/ 200": {0},
    "POST /login/ 302": {5},
    "GET PAGE 302": {1},
    "GET /otp/ 200": {2},
    "POST /otp/ 200": {2},
    "POST /otp/ 302": {7},
    "GET PAGE 200": {2},
    "POST /logout/ 200": {4},
}
"""SQL for each request: what Django takes for session and user, and nothing for the gate.

But to open the session: its new row, the old one deleted, all in one transaction.
"""


def statements(people: Iterable[Person]) -> dict[str, Counter[int]]:
    """Return how often each kind of request took how many statements."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for person in people:
        for (what, number), times in person.sql.items():
            found[what.replace(person.page, "PAGE")][number] += times
    # Of those who are out again each page is Django's own business.
    found["GET PAGE 200"].pop(0)
    return found


@pytest.mark.parametrize(
    ("server", "page"), [(gunicorn, "/secret/"), (uvicorn, "/asecret/")], ids=["wsgi", "asgi"]
)
def test_whole_logins(serve: Serve, server: Any, page: str) -> None:
    """Errors 0; codes accepted = logins; the scripts and the SQL of the design, each time."""
    name = "gunicorn, 4 workers" if server is gunicorn else "uvicorn, 2 workers"
    row = table.row(f"PostgreSQL, {name}")
    with redis_process() as store:
        with (
            serve(redis_at(store.port), server, page) as people,
            crowd(row, people, Person.log_in) as everybody,
        ):
            everybody.go_on(len(people))
            time.sleep(often(long=120, short=4))
            row.moments += 1
        with redis.Redis(port=store.port, decode_responses=True) as client:
            sent = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    row.assert_safe()
    assert row.unavailable == 0
    # And one for each address that nobody has typed in a code from yet.
    assert sent == SCRIPTS * row.logins + len(people)
    seen = statements(people)
    assert seen["POST /otp/ 302"].total() == row.logins
    assert {what: set(numbers) for what, numbers in seen.items()} == STATEMENTS


def test_memory_of_a_pending_login(settings: Any) -> None:
    """A few hundred bytes for each person who has been sent a code and has not typed it."""
    number = often(long=100_000, short=2_000)
    with redis_process() as store, redis.Redis(port=store.port) as client:
        settings.CACHES = redis_at(store.port)
        Challenge("0", codes.new_nonce(), "").issue("000000", "email")
        before = client.info("memory")["used_memory"]
        for user in range(1, number + 1):
            code = codes.make_code(6)
            assert Challenge(str(user), codes.new_nonce(), "").issue(code, "email").expires_in
        taken = (client.info("memory")["used_memory"] - before) / number
    table.NOTES.append(f"Redis memory for each pending login: {taken:.0f} bytes ({number} of them)")
    assert taken < 600
