"""A redis-server of our own that may be hurt, behind a wire that may be cut; and what hurts it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
import time_machine
from redis.exceptions import RedisError

from otp_gate import codes, store
from tests import servers
from tests.clock import GROW_OLDER
from tests.faults.proxy import Proxy, Trap, When

HOUR, DAY = 3600, 86_400


@dataclass
class Ward:
    """The server, the wire in front of it, and a door of our own for what we do to it."""

    executable: str
    port: int
    proxy: Proxy
    process: Any = None
    root: Any = None
    stack: ExitStack = field(default_factory=ExitStack)
    user_id: str = ""
    travel: time_machine.travel | None = None

    def start(self) -> None:
        """Start the server, empty, on the port that it always has."""
        command = [self.executable, "--port", str(self.port), "--bind", servers.HOST]
        command += ["--save", "", "--repl-diskless-sync-delay", "0"]
        url = f"redis://{servers.HOST}:{self.port}/0"
        server = self.stack.enter_context(
            servers.running(command, url, self.port, lambda: servers.listens(self.port))
        )
        self.process = server.process
        self.root = self.door()
        self.root.ping()

    def door(self) -> Any:
        """Return a client that keeps its one connection, past the wire."""
        client = redis.Redis(
            host=servers.HOST, port=self.port, decode_responses=True, single_connection_client=True
        )
        self.stack.callback(client.close)
        return client

    def end(self, number: int) -> None:
        """Send a signal and wait until the server is gone."""
        os.kill(self.process.pid, number)
        self.process.wait(timeout=servers.PATIENCE)

    def set(self, **options: Any) -> None:
        for name, value in options.items():
            self.root.config_set(name.replace("_", "-"), value)

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None

    def key(self) -> str:
        return store.record_key(codes.user_digest(self.user_id))


@contextmanager
def ward() -> Iterator[Ward]:
    executable = servers.redis_executable()
    if executable is None:
        servers.lacking("redis-server")
    port = servers.free_port()
    place = Ward(executable, port, Proxy(port))
    try:
        place.start()
        place.proxy.listen()
        yield place
    finally:
        place.stack.close()
        place.proxy.stop()


Act = Callable[[Ward], None]


def nothing(ward: Ward) -> None:
    """Leave it as it is."""


@dataclass(frozen=True)
class Fault:
    """What happens, how it is put right, and what people may notice of it."""

    name: str
    strike: Act
    heal: Act = nothing
    forgets: bool = False
    """Redis has lost what it knew: counts and codes."""
    shuts: bool = False
    """While it lasts, every page of the gate says 503."""
    sets_back: bool = False
    """What was sent before lies in the server's future: a right code finds no send to give back."""
    harmless: bool = False
    """Nobody notices anything."""
    slow: bool = False
    """Each request meanwhile takes its time."""


def stop(ward: Ward) -> None:
    ward.proxy.refuse()
    ward.end(signal.SIGTERM)


def kill(ward: Ward) -> None:
    """The wire stays: as behind a balancer, connections are accepted, and closed at once."""
    ward.end(signal.SIGKILL)


def start(ward: Ward) -> None:
    ward.start()
    ward.proxy.listen()


def restart(ward: Ward) -> None:
    ward.end(signal.SIGKILL)
    ward.start()


def pause(ward: Ward) -> None:
    os.kill(ward.process.pid, signal.SIGSTOP)


def go_on(ward: Ward) -> None:
    os.kill(ward.process.pid, signal.SIGCONT)


def turn_read_only(ward: Ward) -> None:
    ward.root.replicaof(servers.HOST, 1)


def turn_stale(ward: Ward) -> None:
    ward.set(replica_serve_stale_data="no")
    ward.root.replicaof(servers.HOST, 1)


def turn_primary(ward: Ward) -> None:
    ward.root.replicaof("NO", "ONE")
    ward.set(replica_serve_stale_data="yes")


def fill(policy: str) -> Act:
    """Leave the server no memory at all: what its policy lets it evict is evicted."""
    return lambda ward: ward.set(maxmemory_policy=policy, maxmemory=1)


def drain(ward: Ward) -> None:
    ward.set(maxmemory=0, maxmemory_policy="noeviction")


def evict(ward: Ward) -> None:
    """Be short of memory for a moment: what has an end is evicted, and then there is room."""
    fill("volatile-lru")(ward)
    wait(lambda: not ward.root.keys("*otp_gate:*"))
    drain(ward)


def be_busy(ward: Ward) -> None:
    """Somebody else's script does not end."""
    ward.set(lua_time_limit=5)
    culprit = redis.Redis(host=servers.HOST, port=ward.port, single_connection_client=True)
    ward.stack.callback(culprit.close)
    culprit.connection.send_command("EVAL", "while true do end", 0)

    wait(lambda: is_busy(ward))


def is_busy(ward: Ward) -> bool:
    try:
        ward.root.ping()
    except RedisError:
        return True
    return False


def end_script(ward: Ward) -> None:
    ward.root.script_kill()
    # It says OK before the script has come to its end.
    wait(lambda: not is_busy(ward))
    ward.set(lua_time_limit=5000)


def forge(ward: Ward) -> None:
    ward.root.set(ward.key(), "forged")


def remove_forged(ward: Ward) -> None:
    ward.root.delete(ward.key())


def wait(done: Callable[[], bool]) -> None:
    limit = time.perf_counter() + servers.PATIENCE
    while not done():
        assert time.perf_counter() < limit
        time.sleep(0.01)


def wire(**state: Any) -> Act:
    def strike(ward: Ward) -> None:
        for name, value in state.items():
            setattr(ward.proxy, name, value)

    return strike


def calm(ward: Ward) -> None:
    ward.proxy.calm()


def travel(seconds: int) -> Act:
    """Move the clock of this process."""

    def strike(ward: Ward) -> None:
        ward.travel = time_machine.travel(time.time() + seconds)
        ward.travel.start()

    return strike


def come_back(ward: Ward) -> None:
    if ward.travel is not None:
        ward.travel.stop()
        ward.travel = None


def move_server(seconds: int) -> Act:
    """Move the clock of the server: it cannot be moved, so all that it remembers is, the other way.

    What it remembers is then older, or lies in the future, by just as much.
    """
    return lambda ward: ward.root.eval(GROW_OLDER, 0, seconds * 1000)


FAULTS = [
    Fault("stopped", stop, start, forgets=True, shuts=True),
    Fault("killed", kill, start, forgets=True, shuts=True),
    Fault("restarted empty", restart, forgets=True),
    Fault("paused (SIGSTOP)", pause, go_on, shuts=True, slow=True),
    Fault("scripts flushed", lambda ward: ward.root.script_flush(), harmless=True),
    Fault("FLUSHALL", lambda ward: ward.root.flushall(), forgets=True),
    Fault("read-only replica", turn_read_only, turn_primary),
    Fault("replica without primary", turn_stale, turn_primary, shuts=True),
    Fault("too few replicas", lambda w: w.set(min_replicas_to_write=1),
          lambda w: w.set(min_replicas_to_write=0)),
    Fault("full, noeviction", fill("noeviction"), drain),
    Fault("full, allkeys-lru", fill("allkeys-lru"), drain, forgets=True),
    Fault("key evicted", evict, forgets=True),
    Fault("wrong type under our key", forge, remove_forged, forgets=True, shuts=True),
    Fault("busy with a script", be_busy, end_script, shuts=True),
    Fault("password changed", lambda w: w.set(requirepass="new"), lambda w: w.set(requirepass="")),
    Fault("too many clients", lambda w: w.set(maxclients=1), lambda w: w.set(maxclients=10_000)),
    Fault("CLIENT KILL", lambda w: w.root.client_kill_filter(_type="normal", skipme=True),
          harmless=True),
    Fault("connection lost once", wire(cut=True), calm, harmless=True),
    Fault("answers lost, cut", wire(silent=True), calm, shuts=True),
    Fault("answers lost, hanging", wire(stalled=True), calm, shuts=True, slow=True),
    Fault("answers garbled", wire(garbled=True), calm, shuts=True),
    Fault("latency 0.05 s", wire(delay=0.05), calm, harmless=True, slow=True),
    Fault("latency 0.7 s", wire(delay=0.7), calm, shuts=True, slow=True),
    Fault("our clock + 1 day", travel(DAY), come_back),
    Fault("our clock - 1 day", travel(-DAY), come_back, harmless=True),
    Fault("its clock + 1 hour", move_server(HOUR)),
    Fault("its clock - 1 hour", move_server(-HOUR), sets_back=True),
]  # fmt: skip


def set_trap(ward: Ward, fault: Fault, number: int, when: When) -> Trap:
    trap = Trap(number, when, lambda: fault.strike(ward))
    ward.proxy.set(trap)
    return trap
