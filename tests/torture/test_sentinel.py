"""Redis Sentinel: primaries die while people log in; and what a failover that loses writes costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests import table
from tests.browsers import guess, is_in
from tests.helpers import RESEND, VERIFY, disown_link, log_in, open_page
from tests.topologies import Sentinels, redis_sentinels
from tests.torture.conftest import Serve, often
from tests.torture.load import crowd

pytestmark = [pytest.mark.once, pytest.mark.torture]


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with redis_sentinels(tmp_path) as found:
        yield found


def test_logins_go_on_while_primaries_die(sentinels: Sentinels, serve: Serve) -> None:
    """No code opens two sessions, nobody is in without one, and everybody gets in in the end."""
    row = table.row("Sentinel: primary killed")
    with serve(sentinels.caches()) as people, crowd(row, people) as everybody:
        everybody.go_on(len(people))
        for _ in range(often(long=20, short=1)):
            dead = sentinels.kill_primary()
            row.moments += 1
            everybody.go_on(len(people))
            sentinels.mend(dead)
            everybody.go_on(len(people))
    row.assert_safe()
    assert row.logins >= len(people) * (1 + 2 * row.moments)


@pytest.fixture
def parted(sentinels: Sentinels, settings: Any, half: Client) -> Client:
    """Alice's browser with a code that all servers know of, on a site that asks the Sentinels."""
    settings.CACHES = sentinels.caches()
    settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
    return half


class Failover:
    """What is written from now on is known to one server, which dies at the end of the block."""

    def __init__(self, sentinels: Sentinels) -> None:
        self.sentinels = sentinels

    def __enter__(self) -> None:
        self.sentinels.settle()
        self.sentinels.cut_replication()

    def __exit__(self, *args: object) -> None:
        self.sentinels.kill_primary()
        table.row("Sentinel: replication cut, then killed").moments += 1


@pytest.fixture
def failover(sentinels: Sentinels) -> Failover:
    return Failover(sentinels)


def test_a_used_code_that_is_forgotten_opens_nothing(parted: Client, failover: Failover) -> None:
    """Redis would accept it again; the session that it was for is no more, and no other may."""
    code = open_page(parted)
    old, other = Client(), Client()
    old.cookies["sessionid"] = parted.cookies["sessionid"].value
    log_in(other)
    with failover:
        assert parted.post(VERIFY, {"code": code}).status_code == 302
        assert is_in(parted)
    for client in (old, other):
        client.post(VERIFY, {"code": code})
        assert not is_in(client)
    assert is_in(parted)


def test_forgotten_guesses_are_a_handful(parted: Client, failover: Failover) -> None:
    """Guesses that only the dead server had counted may be made again: one code's worth of them."""
    open_page(parted)
    assert guess(parted, 2).json()["attempts_left"] == 3
    with failover:
        assert guess(parted, 3).json()["attempts_left"] == 0
    assert guess(parted, 3).json()["attempts_left"] == 0
    assert guess(parted).json()["attempts_left"] == 0
    assert not is_in(parted)


def test_a_forgotten_lock_is_earned_again(parted: Client, failover: Failover) -> None:
    """Whoever was locked has the rest of the guesses that the replica knows of, and no more."""
    open_page(parted)
    guess(parted, 5)
    parted.post(RESEND)
    guess(parted, 4)
    with failover:
        assert guess(parted, 2).json()["code"] == "locked"
    answers = [guess(parted).json()["code"] for _ in range(3)]
    assert answers[-1] == "locked"
    assert not is_in(parted)


def test_a_forgotten_code_is_replaced(parted: Client, failover: Failover) -> None:
    """Nobody is locked out: the page sends another one."""
    with failover:
        lost = open_page(parted)
    parted.post(VERIFY, {"code": lost})
    assert not is_in(parted)
    assert parted.post(VERIFY, {"code": open_page(parted)}).status_code == 302
    assert is_in(parted)


def test_a_forgotten_disown_leaves_the_code(parted: Client, failover: Failover) -> None:
    """What it costs: whoever has the password AND the code has both, until it expires."""
    code = open_page(parted)
    path, _, token = disown_link().partition("?token=")
    with failover:
        assert Client().post(path, {"token": token}).status_code == 200
    assert not is_in(parted)
    parted.post(VERIFY, {"code": code})
    assert Client().post(path, {"token": token}).status_code == 200


def test_shut_while_no_sentinel_answers(folder: Path, settings: Any, half: Client) -> None:
    """Three addresses where nothing listens cost the bound, and open nothing."""
    nowhere = Sentinels(folder, "", None, guards=dict.fromkeys([1, 2, 3]))  # type: ignore[arg-type]
    settings.CACHES = nowhere.caches()
    assert half.get(VERIFY).status_code == 503
    assert not is_in(half)
