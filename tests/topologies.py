"""Several redis-servers that belong together, on free ports, each stopped when its block ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.servers import HOST, PATIENCE, Server, free_port, lacking, listens, redis_executable
from tests.servers import running as run_server


@dataclass
class Cluster:
    """A Redis Cluster: half of the nodes are primaries."""

    nodes: list[Server]
    stack: ExitStack

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def caches(self) -> dict[str, Any]:
        """Return what a project writes into its settings."""
        return caches_of_cluster(self.urls)

    def ask(self, node: Server, *command: str) -> Any:
        """Return what the node says, as it says it."""
        with redis.Redis(host=HOST, port=node.port, decode_responses=True) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def primary_of(self, key: str) -> Server:
        """Return the node that answers for a key."""
        slot = self.ask(self.alive[0], "CLUSTER", "KEYSLOT", key)
        for first, last, primary, *_ in self.ask(self.alive[0], "CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == primary[1])
        raise LookupError(key)

    @property
    def alive(self) -> list[Server]:
        return [node for node in self.nodes if node.process.poll() is None]

    def owners(self, node: Server) -> set[int]:
        """Return the ports of those who answer for slots, as this node sees it."""
        return {found[2][1] for found in self.ask(node, "CLUSTER", "SLOTS")}

    @property
    def primaries(self) -> list[Server]:
        """Return the nodes that answer for slots, as the first node that runs sees it."""
        ports = self.owners(self.alive[0])
        return [node for node in self.alive if node.port in ports]

    def slots_in_use(self, node: Server) -> set[int]:
        """Return the slots of this primary in which something lies."""
        keys = self.ask(node, "KEYS", "*")
        return {self.ask(node, "CLUSTER", "KEYSLOT", key) for key in keys}

    def begin_move(self, slot: int, source: Server, target: Server) -> None:
        """Move all that lies in a slot, which stays the source's: the state amid a reshard."""
        giver, taker = (self.ask(node, "CLUSTER", "MYID") for node in (source, target))
        self.ask(target, "CLUSTER", "SETSLOT", str(slot), "IMPORTING", giver)
        self.ask(source, "CLUSTER", "SETSLOT", str(slot), "MIGRATING", taker)
        while keys := self.ask(source, "CLUSTER", "GETKEYSINSLOT", str(slot), "100"):
            self.ask(source, "MIGRATE", HOST, str(target.port), "", "0", "5000", "KEYS", *keys)

    def end_move(self, slot: int, target: Server) -> None:
        """Tell everybody whose the slot is now: the new owner first, as `redis-cli` does."""
        taker = self.ask(target, "CLUSTER", "MYID")
        for node in sorted(self.primaries, key=lambda node: node is not target):
            self.ask(node, "CLUSTER", "SETSLOT", str(slot), "NODE", taker)

    def kill(self, node: Server) -> None:
        """Kill a primary, and wait until everybody says that a replica answers for its slots."""
        os.kill(node.process.pid, signal.SIGKILL)
        node.process.wait()
        # Nobody has noticed yet, and all call the cluster whole: ask who owns the slots, too.
        wait_for(lambda: all(node.port not in self.owners(other) for other in self.alive))
        wait_for(self.is_whole)

    def start_again(self, node: Server) -> None:
        """Start a node that was killed, and wait until it follows the one that took its place."""
        number = self.nodes.index(node)
        started = self.stack.enter_context(
            run_server(node.process.args, node.url, node.port, lambda: listens(node.port))  # type: ignore[arg-type]
        )
        self.nodes[number] = started
        wait_for(lambda: "master_link_status:up" in self.ask(started, "INFO", "replication"))
        wait_for(self.is_whole)

    def is_whole(self) -> bool:
        """True if every node that runs knows of a primary for every slot."""
        return all("cluster_state:ok" in self.ask(node, "CLUSTER", "INFO") for node in self.alive)


def caches_of_cluster(urls: list[str]) -> dict[str, Any]:
    return {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": urls,
            "OPTIONS": {"CONNECTION_FACTORY": "otp_gate.cluster.ClusterConnectionFactory"},
        }
    }


ELECTION = 3 * PATIENCE
"""Seconds that servers may take to agree: a Sentinel whose clock seems to stand still, as on a busy
machine, waits half a minute (TILT) before it does anything."""


def wait_for(done: Callable[[], bool], report: Callable[[], str] = str) -> None:
    """Wait until it is so; a busy machine is slow, and no failure. Else fail with the report."""
    limit = time.monotonic() + ELECTION
    while not done():
        assert time.monotonic() < limit, report()
        time.sleep(0.1)


@contextmanager
def redis_cluster(
    folder: Path, primaries: int = 3, replicas: int = 3, executable: str | None = None
) -> Iterator[Cluster]:
    """Start a cluster; a primary that is killed is replaced after a second or two."""
    executable = executable or redis_executable()
    if executable is None:
        lacking("redis-server")
    nodes: list[Server] = []
    with ExitStack() as stack:
        for number in range(primaries + replicas):
            # A node listens a second time, on its port + 10000.
            port = free_port()
            while port > 55_000:
                port = free_port()
            place = folder / str(number)
            place.mkdir()
            command = [
                str(executable), "--port", str(port), "--bind", HOST, "--dir", str(place),
                "--save", "", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
            ]  # fmt: skip
            url = f"redis://{HOST}:{port}"
            nodes.append(
                stack.enter_context(
                    run_server(command, url, port, lambda port=port: listens(port))  # type: ignore[misc]
                )
            )
        cluster = Cluster(nodes, stack)
        join(cluster, primaries)
        yield cluster


def join(cluster: Cluster, primaries: int) -> None:
    """Make one cluster of the nodes: what `redis-cli --cluster create` does, which may be absent."""
    first, slots = cluster.nodes[0], 16_384
    for number, node in enumerate(cluster.nodes):
        cluster.ask(node, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        if node is not first:
            cluster.ask(node, "CLUSTER", "MEET", HOST, str(first.port))
    bounds = [slots * number // primaries for number in range(primaries + 1)]
    for node, low, high in zip(cluster.nodes, bounds, bounds[1:], strict=False):
        cluster.ask(node, "CLUSTER", "ADDSLOTSRANGE", str(low), str(high - 1))
    ids = [cluster.ask(node, "CLUSTER", "MYID") for node in cluster.nodes]
    everybody = f"cluster_known_nodes:{len(ids)}"
    wait_for(
        lambda: all(everybody in cluster.ask(node, "CLUSTER", "INFO") for node in cluster.nodes)
    )
    for number, node in enumerate(cluster.nodes[primaries:]):
        cluster.ask(node, "CLUSTER", "REPLICATE", ids[number % primaries])
    wait_for(cluster.is_whole)
    wait_for(
        lambda: all(
            "master_link_status:up" in cluster.ask(node, "INFO", "replication")
            for node in cluster.nodes[primaries:]
        )
    )


@dataclass
class Sentinels:
    """A primary, its replicas, and Sentinels that put a replica in the place of a dead primary."""

    folder: Path
    executable: str
    stack: ExitStack
    data: dict[int, Server] = field(default_factory=dict)
    guards: dict[int, Server] = field(default_factory=dict)

    NAME = "otp"
    DOWN_AFTER = 1000
    """Milliseconds without an answer after which a Sentinel takes a server for dead."""
    FAILOVER_TIMEOUT = 5000
    """Milliseconds after which a failover that is half done is given up; too few, on a busy machine,
    and the Sentinels promote one replica after the other."""

    def caches(self) -> dict[str, Any]:
        """Return what a project writes into its settings."""
        return {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"redis://{self.NAME}/0",
                "OPTIONS": {
                    "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
                    "CLIENT_CLASS": "django_redis.client.SentinelClient",
                    "SENTINELS": [[HOST, port] for port in self.guards],
                },
            }
        }

    def start(self, port: int, primary: int | None = None) -> None:
        """Start a data server, empty; a replica where a primary is named."""
        command = [
            self.executable, "--port", str(port), "--bind", HOST, "--save", "",
            "--dir", str(self.folder), "--dbfilename", f"{port}.rdb",
            "--repl-diskless-sync-delay", "0",
        ]  # fmt: skip
        if primary:
            command += ["--replicaof", f"{HOST} {primary}"]
        url = f"redis://{HOST}:{port}/0"
        self.data[port] = self.stack.enter_context(
            run_server(command, url, port, lambda: listens(port))
        )

    def watch(self, primary: int) -> None:
        """Start a Sentinel."""
        port = free_port()
        config = self.folder / f"sentinel-{port}.conf"
        config.write_text(
            f"sentinel monitor {self.NAME} {HOST} {primary} 2\n"
            f"sentinel down-after-milliseconds {self.NAME} {self.DOWN_AFTER}\n"
            f"sentinel failover-timeout {self.NAME} {self.FAILOVER_TIMEOUT}\n"
            f"sentinel parallel-syncs {self.NAME} 2\n"
        )
        command = [self.executable, str(config), "--sentinel", "--port", str(port), "--bind", HOST]
        url = f"redis://{HOST}:{port}"
        self.guards[port] = self.stack.enter_context(
            run_server(command, url, port, lambda: listens(port))
        )

    def report(self) -> str:
        """Return what the Sentinels had to say."""
        return "\n\n".join(server.output[-4000:] for server in self.guards.values())

    def ask(self, port: int, *command: str) -> Any:
        """Return what a server says, as it says it."""
        with redis.Redis(host=HOST, port=port, decode_responses=True) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def known_primaries(self) -> set[int]:
        """Return the port that each Sentinel names."""
        question = ("SENTINEL", "get-master-addr-by-name", self.NAME)
        return {int(self.ask(port, *question)[1]) for port in self.guards}

    @property
    def primary(self) -> int:
        """Return the port that all Sentinels name, as soon as they do."""
        wait_for(lambda: len(self.known_primaries()) == 1, self.report)
        return self.known_primaries().pop()

    def others(self) -> list[int]:
        """Return the ports of the data servers that run and are no primary."""
        primary = self.primary
        alive = (port for port, server in self.data.items() if server.process.poll() is None)
        return [port for port in alive if port != primary]

    def is_whole(self) -> bool:
        """True if all data servers run, follow one primary, and all Sentinels know it."""
        if len(self.others()) + 1 < len(self.data):
            return False
        primary = self.primary
        facts = [self.ask(port, "INFO", "replication") for port in self.others()]
        replicas = [self.ask(port, "SENTINEL", "replicas", self.NAME) for port in self.guards]
        others = [self.ask(port, "SENTINEL", "sentinels", self.NAME) for port in self.guards]
        return (
            all(f"master_port:{primary}\r" in fact for fact in facts)
            and all("master_link_status:up" in fact for fact in facts)
            and all(len(found) >= len(facts) for found in replicas)
            and all(len(found) == len(self.guards) - 1 for found in others)
            and "role:master" in self.ask(primary, "INFO", "replication")
        )

    def kill_primary(self) -> int:
        """Kill the primary, and wait until all Sentinels name another that takes writes."""
        dead = self.primary
        process = self.data[dead].process
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_for(lambda: self.primary != dead, self.report)
        wait_for(lambda: "role:master" in self.ask(self.primary, "INFO", "replication"))
        return dead

    def mend(self, dead: int) -> None:
        """Start a server that was killed again, as a replica, and wait until all is well."""
        self.start(dead, self.primary)
        wait_for(self.is_whole, self.report)

    def settle(self) -> None:
        """Wait until the replicas have all that the primary has."""
        self.ask(self.primary, "WAIT", str(len(self.others())), "5000")

    def cut_replication(self) -> None:
        """Let the replicas hear no more of the primary, as behind a broken wire."""
        for port in self.others():
            self.ask(port, "REPLICAOF", HOST, "1")


@contextmanager
def redis_sentinels(folder: Path, replicas: int = 2, guards: int = 3) -> Iterator[Sentinels]:
    """Start a primary, its replicas and its Sentinels."""
    executable = redis_executable()
    if executable is None:
        lacking("redis-server")
    with ExitStack() as stack:
        found = Sentinels(folder, str(executable), stack)
        primary = free_port()
        found.start(primary)
        for _ in range(replicas):
            found.start(free_port(), primary)
        for _ in range(guards):
            found.watch(primary)
        wait_for(found.is_whole)
        yield found
