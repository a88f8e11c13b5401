"""Report mode, as a roll-out tool: who would have been stopped, where and how often."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client, RequestFactory

from otp_gate import reports, session, store
from otp_gate.middleware import NOBODY
from otp_gate.state import GateState
from tests.browsers import redis_commands
from tests.commands import manage
from tests.helpers import VERIFY, log_in, open_page

SECRET = "/secret/"


@pytest.fixture(autouse=True)
def reporting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is on trial, and Redis was there so far."""
    settings.OTP_GATE = {"MODE": "report"}
    monkeypatch.setattr(reports.Pause, "until", 0.0)


def told(*arguments: str) -> list[str]:
    """Return the lines that `otp_gate report` prints, with one space between words."""
    return [" ".join(line.split()) for line in manage("report", *arguments).out.splitlines()]


def test_who_would_have_been_stopped_where_and_how_often(
    alice: Any, bob: Any, nobody: Any, client: Client
) -> None:
    """The highest number first, then when counting began."""
    log_in(nobody)
    log_in(client, "bob")
    for page in (SECRET, "/plain/", SECRET, "/no-such-page/"):
        nobody.get(page)
    client.post(SECRET)
    lines = told()
    assert lines[:-1] == [
        "2 alice secret",
        "1 alice (no such URL)",
        "1 alice plain",
        "1 bob secret",
    ]
    assert re.fullmatch(r"5 requests .* since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", lines[-1])


def test_who_would_have_passed_is_not_counted(alice: Any, nobody: Any, client: Client) -> None:
    """Strangers, the verified, exempt views and the gate's own pages."""
    client.get(SECRET)
    log_in(nobody)
    nobody.get("/open/")
    nobody.post(VERIFY, {"code": open_page(nobody)})
    nobody.get(SECRET)
    assert told() == ["0 requests would have been stopped so far."]


def test_a_place_is_a_name_or_a_pattern_and_never_the_path(
    alice: Any, nobody: Any, settings: Any
) -> None:
    """Addresses hold names, tokens and whatever somebody typed."""
    log_in(nobody)
    nobody.get("/files/of/alice?token=abc")
    settings.ROOT_URLCONF = "tests.urlconfs.unnamed"
    nobody.get("/report/of/alice/")
    assert told()[:-1] == ["1 alice /report/of/<str:name>/", "1 alice files"]


def test_a_step_up_that_was_not_asked_for_counts(alice: Any, nobody: Any, settings: Any) -> None:
    """Also of those whom the policy leaves alone; and no request counts twice."""
    log_in(nobody)
    nobody.get("/step-up/")
    settings.OTP_GATE = {"MODE": "report", "POLICY": "otp_gate.policy.staff"}
    nobody.get("/step-up/")
    nobody.get("/astep-up/")
    assert told()[:-1] == ["2 alice step-up", "1 alice astep-up"]


def test_a_request_costs_one_command(alice: Any, nobody: Any) -> None:
    """Once the server knows the script."""
    log_in(nobody)
    nobody.get(SECRET)
    with redis_commands() as commands:
        nobody.get(SECRET)
    assert commands == ["EVALSHA"]


def test_the_enforcing_gate_counts_nothing(alice: Any, nobody: Any, settings: Any) -> None:
    """And says that the numbers are of before."""
    log_in(nobody)
    nobody.get(SECRET)
    settings.OTP_GATE = {}
    nobody.get(SECRET)
    ran = manage("report")
    assert ran.out.split()[:3] == ["1", "alice", "secret"]
    assert ran.err == 'MODE is "enforce": nothing is counted any more.\n'


def test_clear_prints_and_begins_anew(alice: Any, nobody: Any) -> None:
    """What was printed is gone; what comes later is counted again."""
    log_in(nobody)
    nobody.get(SECRET)
    assert told("--clear")[0] == "1 alice secret"
    assert told() == ["0 requests would have been stopped so far."]
    nobody.get(SECRET)
    assert told()[0] == "1 alice secret"


def test_a_user_who_is_gone_is_counted_without_a_name(alice: Any, nobody: Any) -> None:
    """The digest cannot be turned back."""
    log_in(nobody)
    nobody.get(SECRET)
    alice.delete()
    assert told()[0] == "1 (deleted) secret"


def test_no_more_room_is_one_sum(alice: Any, nobody: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis does not fill up; what has its line already goes on."""
    log_in(nobody)
    monkeypatch.setattr(reports, "ROOM", 2)
    for page in (SECRET, "/plain/", "/class/", "/aclass/", SECRET):
        nobody.get(page)
    assert told()[:-1] == ["2 (others) (elsewhere)", "2 alice secret", "1 alice plain"]


def test_the_counters_name_nobody_and_end(alice: Any, nobody: Any) -> None:
    """Only digests lie in Redis, and for thirty days."""
    log_in(nobody)
    nobody.get(SECRET)
    store_client, key = store.client("default"), store.site_key("report")
    assert "alice" not in str(store_client.hgetall(key))
    assert 0 < store_client.ttl(key) <= reports.LIFE


def test_a_trial_does_not_fail_with_redis(
    alice: Any, nobody: Any, no_redis: None, caplog: pytest.LogCaptureFixture
) -> None:
    """The request goes on, it is logged, and Redis is left alone for a while."""
    log_in(nobody)
    assert nobody.get(SECRET).content == b"secret of alice"
    with redis_commands() as commands:
        assert nobody.get(SECRET).content == b"secret of alice"
    assert commands == []
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["Nothing is counted for 30 seconds: Redis (ConnectionError)"]
    ran = manage("report")
    assert (ran.out, ran.failed.split(".")[0]) == ("", "Redis (ConnectionError)")


def test_counting_begins_again_after_the_pause(
    alice: Any, nobody: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a minute later, and by itself."""
    log_in(nobody)
    monkeypatch.setattr(reports.Pause, "until", time.monotonic() + reports.PAUSE)
    nobody.get(SECRET)
    monkeypatch.setattr(reports.Pause, "until", time.monotonic() - 1)
    nobody.get(SECRET)
    assert told()[0] == "1 alice secret"


def test_no_count_is_lost_to_another_worker(rf: RequestFactory, db: None) -> None:
    """Eight at once: one step in Redis, and not a number that is read and written back."""

    def pass_by(_: int) -> None:
        request = rf.get(SECRET)
        request.user = request.session = request.resolver_match = None  # type: ignore[assignment]
        GateState(request, "half", NOBODY, session.NOTHING)
        reports.count(request)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(pass_by, range(400)))
    _, [counter] = reports.counted()
    assert counter.times == 400
