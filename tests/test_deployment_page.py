"""What docs/deployment.md tells an operator to type does what it says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.test import Client

from otp_gate import codes, redis_server, saved_store, store
from tests import servers
from tests.browsers import guess, post_json
from tests.helpers import RESEND, VERIFY, disown_link, last_code, log_in, open_page
from tests.servers import ROOT, redis_process
from tests.topologies import Cluster, caches_of_cluster, redis_cluster

pytestmark = pytest.mark.once

PAGE = (ROOT / "docs" / "deployment.md").read_text("utf-8")
PASSWORD = "word"

SERVERS = {
    "redis": servers.redis_executable,
    "redis of the wheel": servers.redis_in_wheel,
    "valkey": lambda: shutil.which("valkey-server"),
}


@pytest.fixture(params=SERVERS)
def executable(request: pytest.FixtureRequest) -> str:
    """A server program; Debian's Redis 7, the Redis 8 of a wheel, Valkey."""
    return SERVERS[request.param]() or servers.skip_without(f"server for {request.param}")


def permit(port: int) -> None:
    """Type the line of the page at a server."""
    line = redis_server.acl_line()
    assert line in PAGE
    with redis.Redis(port=port) as root:
        root.execute_command(*line.replace(">PASSWORD", f">{PASSWORD}").split())
        # Nobody comes in by another way.
        root.execute_command("ACL", "SETUSER", "default", "resetpass", "-@all", "+auth")


def play(half: Client, settings: Any) -> None:
    """Do all that the gate does: pages, saved forms, report mode, each command for an operator."""
    open_page(half)
    assert guess(half, 3).json()["code"] == "invalid"
    assert post_json(half, RESEND).status_code == 200
    for command in (["unlock", "alice"], ["status", "alice"], ["code", "alice"], ["doctor"]):
        call_command("otp_gate", *command)
    assert half.post(VERIFY, {"code": last_code()}).status_code == 302
    other = Client()
    log_in(other, "bob")
    open_page(other)
    path, _, token = disown_link().partition("?token=")
    assert b"done" in post_json(Client(), path, {"token": token}).content
    assert other.get("/secret/").status_code == 302
    for number in range(6):
        assert saved_store.save(b"form", "1", "host/path", f"token{number}", "key")
    assert saved_store.take("1", "host/path", "token5", "key") == b"form"
    saved_store.remove("token4")
    settings.OTP_GATE = {"MODE": "report"}
    third = Client()
    log_in(third, "bob")
    assert third.get("/secret/").status_code == 200
    call_command("otp_gate", "report", "--clear")


FORBIDDEN = [
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("RANDOMKEY",),
    ("CONFIG", "GET", "requirepass"),
    ("ACL", "LIST"),
    ("SCRIPT", "FLUSH"),
    ("SHUTDOWN",),
    ("CLUSTER", "RESET"),
    ("CLIENT", "LIST"),
    ("PUBLISH", "channel", "text"),
    ("GET", "otp_gate:x"),
    ("DUMP", "otp_gate:x"),
    ("HGET", "other:x", "field"),
    ("EVAL", "return redis.call('HGET', 'other:x', 'field')", "0"),
    ("EVAL", "return redis.call('FLUSHALL')", "0"),
]


def refuse_all(client: Any) -> None:
    """The user of the gate is given nothing else."""
    for command in FORBIDDEN:
        with pytest.raises(redis.exceptions.ResponseError) as told:
            client.execute_command(*command)
        text = str(told.value).lower()
        words = ("permission", "acl failure", "can't access", "can't run")
        assert any(word in text for word in words), (command, text)


@pytest.mark.usefixtures("own_site")
@pytest.mark.parametrize("database", [0, 1])
def test_acl_is_enough_for_all_that_the_gate_does(
    settings: Any, half: Client, bob: Any, executable: str, database: int
) -> None:
    """And for nothing else, on any database."""
    with redis_process(executable=executable) as server:
        permit(server.port)
        address = f"redis://gate:{PASSWORD}@127.0.0.1:{server.port}/{database}"
        settings.CACHES = {
            "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": address}
        }
        settings.OTP_GATE = {"RESEND_COOLDOWN": 0, "GLOBAL_SENDS": (100, 60), "ALARM": (2, 60)}
        play(half, settings)
        with redis.Redis.from_url(f"{address}?protocol=2") as client:
            refuse_all(client)
        settings.CACHES = {}


@pytest.mark.usefixtures("own_site")
def test_acl_is_enough_on_a_cluster(
    settings: Any, half: Client, alice: Any, bob: Any, executable: str, tmp_path: Path
) -> None:
    """Typed at each node; also amid a reshard."""
    with redis_cluster(tmp_path, replicas=0, executable=executable) as cluster:
        key = store.record_key(codes.user_digest(str(alice.pk)))
        begin_reshard(cluster, key)
        for node in cluster.nodes:
            permit(node.port)
        urls = [f"redis://gate:{PASSWORD}@127.0.0.1:{node.port}" for node in cluster.nodes]
        settings.CACHES = caches_of_cluster(urls)
        settings.OTP_GATE = {"RESEND_COOLDOWN": 0, "GLOBAL_SENDS": (100, 60), "ALARM": (2, 60)}
        play(half, settings)
        settings.CACHES = {}


def begin_reshard(cluster: Cluster, key: str) -> None:
    """Let the slot of a key be on its way to another node."""
    slot = int(cluster.ask(cluster.nodes[0], "CLUSTER", "KEYSLOT", key))
    source = cluster.primary_of(key)
    target = next(node for node in cluster.nodes if node is not source)
    cluster.begin_move(slot, source, target)
