"""Several redis-servers that belong together, on free ports, each stopped when its block ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.servers import HOST, PATIENCE, Server, free_port, lacking, listens, redis_executable
from tests.servers import running as run_server


@dataclass
class Cluster:
    """A Redis Cluster: half of the nodes are primaries."""

    nodes: list[Server]

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

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

    def is_whole(self) -> bool:
        """True if every node that runs knows of a primary for every slot."""
        return all("cluster_state:ok" in self.ask(node, "CLUSTER", "INFO") for node in self.alive)


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until it is so; a busy machine is slow, and no failure."""
    limit = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.1)


@contextmanager
def redis_cluster(folder: Path, primaries: int = 3, replicas: int = 3) -> Iterator[Cluster]:
    """Start a cluster; a primary that is killed is replaced after a second or two."""
    executable = redis_executable()
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
        cluster = Cluster(nodes)
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
