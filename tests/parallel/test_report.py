"""The counters of report mode, of all workers and both kinds of server together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.parallel.conftest import Site, serve
from tests.parallel.visitors import Visitor, at_once
from tests.servers import ROOT, Mailbox, environment, gunicorn, uvicorn

pytestmark = pytest.mark.once

REPORTING = "tests.parallel.reporting_settings"


@pytest.fixture(params=[gunicorn, uvicorn], ids=["gunicorn", "uvicorn"])
def reporting(request: Any, env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    yield from serve(request.param, REPORTING, env, box)


def test_the_counters_of_all_workers_are_exact(reporting: Site, env: dict[str, str]) -> None:
    """Two people, three places, hundreds of requests at one moment; what is printed is what was."""
    reporting.redis.flushall()
    number = 60 if reporting.workers == 4 else 20
    people = {name: Visitor(reporting.port) for name in ("alice", "bob")}
    for name, visitor in people.items():
        assert visitor.log_in(name).status == 302
    asked = {
        ("alice", "/secret/"): number,
        ("alice", "/asecret/"): number,
        ("bob", "/secret/"): number,
    }
    requests = [
        people[name].request("GET", page)
        for (name, page), times in asked.items()
        for _ in range(times)
    ]
    answers = at_once(reporting.port, requests)
    assert {answer.status for answer in answers} == {200}
    command = [sys.executable, "-m", "django", "otp_gate", "report", "--json"]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=environment({**env, "DJANGO_SETTINGS_MODULE": REPORTING}),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout)
    found = {(it["user"], f"/{it['where']}/"): it["times"] for it in told["counters"]}
    assert found == asked
    assert told["total"] == sum(asked.values())
