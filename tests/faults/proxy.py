"""A wire between the gate and its Redis that can be cut at a chosen command.

It passes on whole commands and whole answers, one after the other, and counts them. What it may do
to them is what networks do: lose, delay, cut. Nothing is made up but in `garbled`.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.servers import HOST

When = Literal["before", "after"]
"""Before the command reaches the server; or after its answer has left it, which is then lost."""


class Hung(Exception):
    """The other side of the wire is gone."""


class Wire:
    """One end of a connection, read value by value (RESP, version 2 and 3)."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.buffer = sock, b""

    def more(self) -> None:
        chunk = self.sock.recv(65_536)
        if not chunk:
            raise Hung
        self.buffer += chunk

    def value(self) -> bytes:
        """Take one whole value off the wire, as it stands there."""
        end = self._end(0)
        found, self.buffer = self.buffer[:end], self.buffer[end:]
        return found

    def _line_end(self, start: int) -> int:
        while (found := self.buffer.find(b"\r\n", start)) < 0:
            self.more()
        return found + 2

    def _end(self, start: int) -> int:
        end = self._line_end(start)
        kind, rest = self.buffer[start : start + 1], self.buffer[start + 1 : end - 2]
        if kind in b"$!=":
            size = int(rest)
            end += size + 2 if size >= 0 else 0
            while len(self.buffer) < end:
                self.more()
        elif kind in b"*~>%":
            for _ in range(int(rest) * (2 if kind == b"%" else 1)):
                end = self._end(end)
        return end


@dataclass
class Trap:
    """What happens at the `number`-th command from now."""

    number: int
    when: When
    strike: Callable[[], None]
    sprung: bool = False


@dataclass
class Proxy:
    """Listens on `port` and passes on to `target`."""

    target: int
    port: int = 0
    seen: int = 0
    """Commands since the trap was set."""
    trap: Trap | None = None
    silent: bool = False
    """Answers are lost, and the connections with them."""
    stalled: bool = False
    """Answers are lost, and the connections stay."""
    garbled: bool = False
    """Answers are no words of the protocol."""
    delay: float = 0
    closes_on: bytes = b""
    """A command that this proxy does not know: it cuts the connection."""
    cut: bool = False
    """The next command is lost, once."""
    errors: list[BaseException] = field(default_factory=list)
    _listener: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def listen(self) -> None:
        """Accept connections, on the port of before."""
        if self._listener is None:
            self._listener = socket.create_server((HOST, self.port), backlog=64)
            self.port = self._listener.getsockname()[1]
            self._start(self._accept, self._listener)

    def refuse(self) -> None:
        """Accept no connection any more."""
        if self._listener is not None:
            # Closing alone would not wake the thread that waits for a connection.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
        self.refuse()
        self.calm()
        for thread in self._threads:
            thread.join(timeout=10)
        assert not any(thread.is_alive() for thread in self._threads)

    def calm(self) -> None:
        """Be an honest wire again."""
        self.silent = self.stalled = self.garbled = self.cut = False
        self.delay, self.trap = 0, None

    def set(self, trap: Trap | None) -> None:
        with self._lock:
            self.trap, self.seen = trap, 0

    def _start(self, act: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=act, args=args, daemon=True)
        self._threads = [*(item for item in self._threads if item.is_alive()), thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                with socket.create_connection((HOST, self.target), timeout=10) as server:
                    asking, answering = Wire(client), Wire(server)
                    while True:
                        self._pass_on(asking, answering)
            except (OSError, Hung):
                return
            except BaseException as error:
                self.errors.append(error)

    def _pass_on(self, client: Wire, server: Wire) -> None:
        """Pass on one command and its answer; or raise `Hung`, which cuts the connection."""
        if not client.buffer:
            # A server that hangs up is heard at once, as it is without a wire in between.
            ready, _, _ = select.select([client.sock, server.sock], [], [])
            if server.sock in ready:
                server.more()
                # Nobody asked, but so it says that it has too many clients.
                client.sock.sendall(server.value())
                return
        command = client.value()
        with self._lock:
            self.seen += 1
            trap = self.trap
            hit = trap is not None and not trap.sprung and trap.number == self.seen
            if trap is not None and hit:
                trap.sprung = True
        if trap is not None and hit and trap.when == "before":
            trap.strike()
        if self.cut:
            self.cut = False
            raise Hung
        if self.closes_on and b"\r\n%b\r\n" % self.closes_on in command:
            raise Hung
        server.sock.sendall(command)
        answer = server.value()
        if trap is not None and hit and trap.when == "after":
            trap.strike()
            # What strikes here strikes whoever asks again; this answer is lost as it is.
            self.cut = False
            raise Hung
        if self.silent:
            raise Hung
        if self.stalled:
            client.more()
        if self.garbled:
            answer = b"\x00HTTP/1.1 400 Bad Request\r\n\r\n"
        time.sleep(self.delay)
        client.sock.sendall(answer)
