"""The code that an operator reads out belongs to no session: of all that race for it, one gets in."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests import servers
from tests.helpers import VERIFY
from tests.parallel.conftest import Site
from tests.parallel.visitors import Visitor, at_once, no_code_of

pytestmark = pytest.mark.once


def code_for(name: str, env: dict[str, str]) -> str:
    """Run the command as an operator does, beside the servers; return what it prints."""
    told = subprocess.run(
        [sys.executable, "-m", "django", "otp_gate", "code", name],
        cwd=servers.ROOT,
        env={**servers.environment(env), "DJANGO_SETTINGS_MODULE": "tests.parallel.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"\d{3} \d{3}\n", told.stdout)
    return told.stdout.replace(" ", "").strip()


def sessions_of(site: Site, number: int) -> list[Visitor]:
    """Return browsers of one user who has given the password in each, and was sent nothing."""
    visitors = [Visitor(site.port) for _ in range(number)]
    for visitor in visitors:
        assert visitor.log_in().status == 302
    return visitors


def test_one_code_opens_one_session_once(site: Site, env: dict[str, str]) -> None:
    """Nine sessions of one user post it at one moment, again and again: one of them is in.

    What comes too late finds no code, and is no guess.
    """
    visitors = sessions_of(site, 9)
    fields = {"code": code_for("alice", env), "next": "/secret/"}
    times = 10 if site.workers == 4 else 3
    requests = [visitor.request("POST", VERIFY, fields) for visitor in visitors] * times
    answers = at_once(site.port, requests)
    assert {answer.status for answer in answers} <= {200, 302}
    assert sum(answer.location == "/secret/" for answer in answers) == 1
    keys = {answer.cookies["sessionid"] for answer in answers if "sessionid" in answer.cookies}
    keys |= {visitor.cookies["sessionid"] for visitor in visitors}
    assert sum(Visitor(site.port, key).is_in() for key in keys if key) == 1
    assert not {"b", "w"} & set(site.record())
    assert len(site.record()["u"]) == 8


def test_guesses_at_it_are_counted_exactly(site: Site, env: dict[str, str]) -> None:
    """Of a hundred at one moment over ten sessions five are compared; then it is void."""
    visitors = sessions_of(site, 10)
    code = code_for("alice", env)
    wrong = no_code_of(site.box) if code != no_code_of(site.box) else "999999"
    requests = [visitor.request("POST", VERIFY, {"code": wrong}) for visitor in visitors]
    at_once(site.port, requests * (10 if site.workers == 4 else 3))
    assert site.in_a_row() == 5
    [answer] = at_once(site.port, [visitors[0].request("POST", VERIFY, {"code": code})])
    assert answer.location != "/"
    assert not visitors[0].is_in()
