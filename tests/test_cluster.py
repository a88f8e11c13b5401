"""Redis Cluster: the whole story on several primaries, and a primary that dies on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache import caches as all_caches
from django.core.management import call_command
from django.test import Client

from otp_gate import codes, store
from tests.browsers import guess, post_json
from tests.gates import assert_held
from tests.helpers import DISOWN, RESEND, VERIFY, disown_link, last_code, log_in, open_page
from tests.servers import redis_server
from tests.topologies import Cluster, redis_cluster, wait_for
from tests.topologies import caches_of_cluster as caches


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def on_cluster(settings: Any, cluster: Cluster) -> Cluster:
    """The site, with its cache on an empty cluster."""
    settings.CACHES = caches(cluster.urls)
    store.client("default").flushall()
    return cluster


def test_the_story_on_a_cluster(on_cluster: Cluster, alice: Any, bob: Any) -> None:
    """Held, sent, wrong, right, in; for people whose records lie on different nodes."""
    for name in ("alice", "bob"):
        client = Client()
        log_in(client, name)
        assert client.get("/secret/").status_code == 302
        code = open_page(client)
        assert guess(client).json()["code"] == "invalid"
        assert client.post(VERIFY, {"code": code}).status_code == 302
        assert client.get("/secret/").content == f"secret of {name}".encode()


def test_all_limits_hold_on_a_cluster(settings: Any, on_cluster: Cluster, half: Client) -> None:
    """Those of a user and those of the site are each in one slot, and one step."""
    settings.OTP_GATE = {"GLOBAL_SENDS": (2, 3600), "ALARM": (3, 3600), "RESEND_COOLDOWN": 0}
    open_page(half)
    assert guess(half, 5).json()["attempts_left"] == 0
    assert post_json(half, RESEND).status_code == 200
    assert post_json(half, RESEND).status_code == 429
    assert guess(half, 5).json()["code"] == "invalid"
    assert guess(half).json()["code"] == "locked"


def test_disown_on_a_cluster(on_cluster: Cluster, half: Client, client: Client) -> None:
    """ "This wasn't me" reaches the record, wherever it lies."""
    code = open_page(half)
    path, _, token = disown_link().partition("?token=")
    assert client.post(path, {"token": token}).status_code == 200
    half.post(VERIFY, {"code": code})
    assert half.get("/secret/").content != b"secret of alice"


@pytest.mark.usefixtures("own_site")
def test_the_commands_on_a_cluster(on_cluster: Cluster, half: Client, capsys: Any) -> None:
    """What an operator asks about a user is answered by the node that has him."""
    open_page(half)
    guess(half, 10)
    call_command("otp_gate", "status", "alice")
    call_command("otp_gate", "unlock", "alice")
    assert "alice" in capsys.readouterr().out
    call_command("otp_gate", "doctor")
    assert "(a node of the cluster)" in capsys.readouterr().out


def test_the_site_s_own_cache_on_a_cluster(settings: Any, on_cluster: Cluster) -> None:
    """The factory serves django-redis as well as the gate."""
    settings.CACHES = caches([on_cluster.alive[0].url])
    cache.set("cheese", "good")
    # As in another thread: the map of the cluster is asked for once in a process.
    assert all_caches.create_connection("default").get("cheese") == "good"
    cache.delete("cheese")
    assert cache.get("cheese") is None
    cache.close()


def test_no_address_lengthens_the_bounds(settings: Any, on_cluster: Cluster) -> None:
    """A query string of LOCATION counts for the cache, and not for the gate."""
    slow = "socket_timeout=30&socket_connect_timeout=30"
    urls = [f"{node.url}/0?{slow}" for node in on_cluster.alive]
    settings.CACHES = caches(urls)
    known = store.client("default").get_connection_kwargs()
    assert known["socket_timeout"] == known["socket_connect_timeout"] == 0.5


def test_a_dead_node_is_no_obstacle(settings: Any, on_cluster: Cluster, half: Client) -> None:
    """A process that starts while the first node of LOCATION is down asks the next."""
    settings.CACHES = caches(["redis://127.0.0.1:1", *on_cluster.urls])
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


def test_without_any_node_the_gate_stays_shut(settings: Any, half: Client) -> None:
    """503, and nobody is in."""
    settings.CACHES = caches(["redis://127.0.0.1:1", "redis://127.0.0.1:2"])
    assert half.get(VERIFY).status_code == 503
    assert_held(half.get("/secret/"), "/secret/")


def test_a_server_that_is_in_no_cluster_opens_nothing(settings: Any, half: Client) -> None:
    """A factory for a cluster and an address of a single server."""
    with redis_server() as url:
        settings.CACHES = caches([url])
        assert half.get(VERIFY).status_code == 503
        settings.CACHES = {}
    assert half.get("/secret/").status_code == 302


def test_a_slot_on_its_way_stops_nobody(
    settings: Any, on_cluster: Cluster, half: Client, alice: Any
) -> None:
    """Amid a reshard a record is asked for where it is, however long that takes.

    A script with two keys of one slot would be told to try again until the slot has arrived.
    """
    settings.OTP_GATE = {"ALARM": (2, 3600), "GLOBAL_SENDS": (9, 3600), "RESEND_COOLDOWN": 0}
    record = store.record_key(codes.user_digest(str(alice.pk)))
    open_page(half)
    guess(half)
    moved = {}
    for key in {record, store.site_key("alarm"), store.site_key("sends")}:
        slot = on_cluster.ask(on_cluster.alive[0], "CLUSTER", "KEYSLOT", key)
        source = on_cluster.primary_of(key)
        target = next(node for node in on_cluster.primaries if node is not source)
        if slot not in moved:
            on_cluster.begin_move(slot, source, target)
            moved[slot] = target
    try:
        assert [guess(half).status_code for _ in range(3)] == [400] * 3
        assert post_json(half, RESEND).status_code == 200
        assert half.post(VERIFY, {"code": last_code()}).status_code == 302
    finally:
        for slot, target in moved.items():
            on_cluster.end_move(slot, target)
    assert half.get("/secret/").content == b"secret of alice"


def test_a_primary_that_dies_locks_nobody_out(
    on_cluster: Cluster, half: Client, alice: Any
) -> None:
    """Shut while nobody answers for the record, and open for a code as soon as a replica does."""
    open_page(half)
    node = on_cluster.primary_of(store.record_key(codes.user_digest(str(alice.pk))))
    os.kill(node.process.pid, signal.SIGKILL)
    node.process.wait()
    seen = set()

    def goes_on() -> bool:
        response = half.get(VERIFY)
        seen.add(response.status_code)
        return (
            response.status_code == 200
            and half.post(VERIFY, {"code": last_code()}).status_code == 302
        )

    assert half.get("/secret/").status_code == 302
    wait_for(goes_on)
    assert seen <= {200, 503}
    assert half.get("/secret/").content == b"secret of alice"
    assert half.get(DISOWN).status_code == 400
