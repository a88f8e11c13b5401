"""Report mode, as a roll-out tool: who would have been stopped, where and how often."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.test import Client, RequestFactory

from otp_gate import reports, session, store
from otp_gate.signals import request_refused
from otp_gate.state import NO_USER, GateState
from tests.browsers import redis_commands
from tests.commands import manage
from tests.gates import put_around_gate, restarted
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
    assert 'MODE is "enforce": nothing is counted any more.\n' in ran.err


def test_a_request_that_is_judged_twice_counts_once(
    alice: Any, nobody: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a middleware behind the gate puts another object of the same user into the request."""
    put_around_gate(settings, after=["tests.middlewares.Lends"])
    restarted(nobody)
    log_in(nobody)
    heard: list[Any] = []

    def listen(**told: Any) -> None:
        heard.append(told["enforced"])

    request_refused.connect(listen)
    with caplog.at_level("INFO", "otp_gate"):
        assert nobody.get(SECRET, headers={"x-lend": "alice"}).content == b"secret of alice"
    request_refused.disconnect(listen)
    assert told()[0] == "1 alice secret"
    assert (heard, caplog.text.count("Would turn away")) == ([False], 1)


def test_one_request_is_one(alice: Any, nobody: Any) -> None:
    """In words, too."""
    log_in(nobody)
    nobody.get(SECRET)
    assert told()[-1].startswith("1 request would have been stopped since ")


def test_sums(alice: Any, bob: Any, nobody: Any, client: Client) -> None:
    """By user, to know whom to write to; by place, to know what to look at."""
    log_in(nobody)
    log_in(client, "bob")
    for page in (SECRET, "/plain/", SECRET):
        nobody.get(page)
    client.get(SECRET)
    assert told("--by", "user")[:-1] == ["3 alice", "1 bob"]
    assert told("--by", "place")[:-1] == ["3 secret", "1 plain"]
    assert told("--by", "place")[-1].startswith("4 requests ")


def test_for_a_program(
    alice: Any, bob: Any, nobody: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is gone, and what found no room, are null; times are told with their zone."""
    assert json.loads(manage("report", "--json").out) == {
        "since": None,
        "total": 0,
        "counters": [],
    }
    monkeypatch.setattr(reports, "ROOM", 2)
    log_in(nobody)
    log_in(client, "bob")
    for page in (SECRET, SECRET, SECRET):
        nobody.get(page)
    for page in ("/no-such-page/", "/no-such-page/", "/plain/"):
        client.get(page)
    bob.delete()
    told = json.loads(manage("report", "--json", "--clear").out)
    assert datetime.fromisoformat(told["since"]).tzinfo is not None
    assert told["total"] == 6
    assert told["counters"] == [
        {"user": "alice", "where": "secret", "times": 3},
        {"user": None, "where": "(no such URL)", "times": 2},
        {"user": None, "where": None, "times": 1},
    ]
    assert json.loads(manage("report", "--json").out)["total"] == 0


def test_a_name_gives_the_terminal_no_orders(
    alice: Any, nobody: Any, django_user_model: Any
) -> None:
    """Where names are free, somebody calls himself a line of the report, or worse."""
    log_in(nobody)
    nobody.get(SECRET)
    name = "bob\n9999 root admin:index\x1b[2J"
    django_user_model.objects.filter(pk=alice.pk).update(username=name)
    out = manage("report").out
    assert len(out.splitlines()) == 2
    assert "\x1b" not in out
    assert repr(name) in out
    told = json.loads(manage("report", "--json").out)
    assert told["counters"][0]["user"] == name


def test_another_secret_key_knows_no_names(alice: Any, nobody: Any, settings: Any) -> None:
    """The numbers are there all the same."""
    log_in(nobody)
    nobody.get(SECRET)
    settings.SECRET_KEY = "another"
    assert told()[0] == "1 (deleted) secret"


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


def test_no_count_is_lost_to_somebody_who_clears(rf: RequestFactory, db: None) -> None:
    """What is printed and what is left are together what has been counted."""
    with ThreadPoolExecutor(4) as workers:
        passing = [workers.submit(pass_by, rf) for _ in range(300)]
        printed = 0
        while not all(one.done() for one in passing):
            printed += sum(counter.times for counter in reports.counted(forget=True)[1])
    printed += sum(counter.times for counter in reports.counted(forget=True)[1])
    assert printed == 300


def pass_by(rf: RequestFactory) -> None:
    """Be let through once, by the gate on trial."""
    request = rf.get(SECRET)
    request.user = request.session = request.resolver_match = None  # type: ignore[assignment]
    request.otp_gate = GateState(request, "half", NO_USER, session.NOTHING)
    reports.count(request)


def test_no_count_is_lost_to_another_worker(rf: RequestFactory, db: None) -> None:
    """Eight at once: one step in Redis, and not a number that is read and written back."""

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(pass_by, [rf] * 400))
    _, [counter] = reports.counted()
    assert counter.times == 400
