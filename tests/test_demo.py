"""What `make demo` promises: an address, two passwords, a code in the terminal, and no Redis."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import HOST, ROOT, Server, free_port, listens, running
from tests.strangers import Stranger

pytestmark = pytest.mark.once

DEMO = [sys.executable, "scripts/demo.py"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo site, as `make demo` starts it, with a folder of its own for what is temporary."""
    port = free_port()
    folder = tmp_path_factory.mktemp("demo")
    env = {"REDIS_URL": "", "DATABASE_URL": "", "DEBUG": "", "TMPDIR": str(folder)}
    # `running` takes them from the environment too, where a production site would be set up.
    env |= {"EMAIL_HOST": "", "SECRET_KEY": "", "ALLOWED_HOSTS": "", "DJANGO_SETTINGS_MODULE": ""}
    # Whoever is started in the background of a shell ignores Ctrl-C, and so do its children.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with running(
        [*DEMO, str(port)], f"http://{HOST}:{port}", port, lambda: listens(port), env
    ) as server:
        server.folder = folder  # type: ignore[attr-defined]
        yield server


def soon(found: Callable[[], list[str]], number: int = 1) -> list[str]:
    """Wait until the terminal shows so many."""
    limit = time.monotonic() + 10
    while len(found()) < number and time.monotonic() < limit:
        time.sleep(0.05)
    return found()


def codes(server: Server) -> list[str]:
    return re.findall(r"^\s*(\d{3} ?\d{3})\s*$", server.output, re.MULTILINE)


@pytest.mark.parametrize("name", ["demo", "admin"])
def test_a_stranger_gets_in_with_what_the_terminal_shows(demo: Server, name: str) -> None:
    """Address and password from the first lines, the code from the mail below."""
    terminal = soon(lambda: re.findall(rf"\b{name} +password (\w+)", demo.output))
    address = re.search(r"http://\S+:\d+/", demo.output)
    assert address is not None
    stranger = Stranger(address[0].rstrip("/"))

    assert stranger.get("/")[0] == "/login/?next=/"
    assert (
        "Invalid username or password" in stranger.post("/login/", username=name, password="?")[1]
    )
    before = len(codes(demo))
    where, page = stranger.post("/login/?next=/", username=name, password=terminal[0], next="/")
    assert where.startswith("/otp/")
    assert "Hello" not in page

    code = soon(lambda: codes(demo), before + 1)[-1]
    assert "Invalid one-time password" in stranger.post("/otp/", code=other_than(code))[1]
    where, page = stranger.post("/otp/?next=/", code=code)
    assert where == "/"
    assert f"Hello, {name}" in page


def other_than(code: str) -> str:
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def test_ctrl_c_ends_it_cleanly(demo: Server) -> None:
    """No traceback, exit status 0, and no database left behind."""
    folder: Path = demo.folder  # type: ignore[attr-defined]
    assert list(folder.iterdir())
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=20) == 0
    assert "Traceback" not in demo.output
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"DEBUG": "0", "SECRET_KEY": "x"}, "Set REDIS_URL"),
        ({"DEBUG": "0"}, "Set SECRET_KEY"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "does not answer"),
    ],
)
def test_what_is_missing_is_said_in_words(env: dict[str, str], words: str) -> None:
    """A site that would not be safe, or not work, does not start; nobody must read a traceback."""
    clean = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "SECRET_KEY", "DEBUG")}
    done = subprocess.run(
        [*DEMO, str(free_port())],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_is_taken_is_said_in_words() -> None:
    """And the line to type instead."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        done = subprocess.run(
            [*DEMO, str(taken.getsockname()[1])],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "make demo ADDRESS=" in done.stderr
    assert "Traceback" not in done.stderr
