"""Whole logins over HTTP: how many in a second with so many workers, and what they cost."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.environments import ensure
from benchmarks.mail import code_in
from benchmarks.runner import environment
from tests import servers

WORKERS = 4
PEOPLE = 400
"""Each logs in once in a while: codes per person are limited."""
PASSWORD = "correct horse"

MAKE_PEOPLE = """
from benchmarks.project import set_up
set_up()
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
users = get_user_model().objects
hashed = make_password("%s")
users.filter(username__startswith="person").delete()
users.bulk_create(
    users.model(username=f"person{i}", email=f"person{i}@example.org", password=hashed)
    for i in range(%d)
)
"""


class Browser:
    """One person at a keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection(servers.HOST, port, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        headers = {
            "Accept": "text/html",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        body = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode({"csrfmiddlewaretoken": self.cookies["csrftoken"], **fields})
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        for line in response.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return response.status, text

    def log_in(self, name: str, journey: dict[str, str], mails: Path) -> None:
        """Go the whole way, from the login page to a page that shows who it is."""
        self.cookies.clear()
        self.ask("GET", "/login/")
        self.ask("POST", "/login/", username=name, password=PASSWORD)
        if journey:
            self.ask("GET", journey["send"])
            code = code_in((mails / f"{name}@example.org").read_text("utf-8"))
            self.ask("POST", journey["check"], **{journey["field"]: code})
        status, text = self.ask("GET", "/user/")
        if (status, text) != (200, name):
            raise RuntimeError(f"the login of {name} led to {status}")


@contextmanager
def site(name: str, database: str, redis: str) -> Iterator[tuple[servers.Server, Path]]:
    """Run gunicorn with the site of one contender; give it, and where its mail goes."""
    python = ensure(name)
    with tempfile.TemporaryDirectory() as folder:
        env = environment(name, database, redis) | {"BENCH_MAIL": folder}
        migrate = "from benchmarks.project import set_up; set_up()\n"
        migrate += "from django.core.management import call_command\n"
        migrate += "call_command('migrate', verbosity=0)\n"
        for code in (migrate, MAKE_PEOPLE % (PASSWORD, PEOPLE)):
            subprocess.run([python, "-c", code], env=env, cwd=servers.ROOT, check=True)
        port = servers.free_port()
        command = [
            *(str(python), "-m", "gunicorn", "benchmarks.wsgi:application"),
            *("--bind", f"{servers.HOST}:{port}", "--workers", str(WORKERS), "--threads", "2"),
            *("--worker-tmp-dir", folder, "--graceful-timeout", "2", "--no-control-socket"),
        ]
        url = f"http://{servers.HOST}:{port}"
        answers = lambda: servers.speaks_http(port, "/open/")  # noqa: E731
        with servers.running(command, url, port, answers, env) as server:
            yield server, Path(folder)


def cpu_of_group(leader: int) -> float:
    """Return the CPU seconds that a process and its children have taken so far."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = path.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(parts[2]) == leader:
            ticks += int(parts[11]) + int(parts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(name: str, journey: dict[str, str], database: str, redis: str, seconds: float) -> Any:
    """Let twice as many people as workers log in for so long."""
    done: list[float] = []
    failed: list[str] = []
    people = iter(range(PEOPLE))
    lock = threading.Lock()
    with site(name, database, redis) as (server, mails):
        until = time.monotonic() + seconds

        def go() -> None:
            browser = Browser(server.port)
            while time.monotonic() < until:
                with lock:
                    number = next(people, None)
                if number is None:
                    return
                started = time.monotonic()
                try:
                    browser.log_in(f"person{number}", journey, mails)
                except (OSError, RuntimeError, http.client.HTTPException) as error:
                    failed.append(str(error))
                    return
                done.append(time.monotonic() - started)

        before, started = cpu_of_group(server.process.pid), time.monotonic()
        threads = [threading.Thread(target=go) for _ in range(2 * WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - started
        cpu = cpu_of_group(server.process.pid) - before
        if failed:
            raise RuntimeError(f"{name}: {failed[0]}\n{server.output[-2000:]}")
    return {
        "per_second": len(done) / took,
        "median_ms": sorted(done)[len(done) // 2] * 1e3,
        "cpu_ms": cpu / len(done) * 1e3,
        "logins": len(done),
    }


def startup(name: str, database: str, redis: str, engine: str) -> dict[str, float]:
    """Start a process once; see `startup`."""
    return json.loads(started(name, database, redis, engine).stdout)


def imports(name: str, database: str, redis: str, package: str) -> dict[str, float]:
    """Start a process once; return what each module of a package takes by itself (ms)."""
    told = started(name, database, redis, "db", "-X", "importtime").stderr
    lines = re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", told, re.MULTILINE)
    return {module: int(us) / 1e3 for us, module in lines if module.startswith(package)}


def started(name: str, database: str, redis: str, engine: str, *options: str) -> Any:
    return subprocess.run(
        [ensure(name), *options, "-m", "benchmarks.startup"],
        env=environment(name, database, redis, engine),
        cwd=servers.ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
