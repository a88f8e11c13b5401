"""Run the suite twice, on fakeredis and on a real Redis of its own, and ask for full coverage.

What starts servers, browsers and builds of its own ("once") is not run again. Two runs at a time,
since each keeps one core busy; the first of them measures. With arguments, they go to pytest, once
on each Redis.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = os.environ.get("OTP_GATE_REQUIRE_REAL") == "1"
AT_A_TIME = 2
NOTHING_TO_RUN = 5  # What pytest says where all it was asked for is deselected.
sys.path.insert(0, str(ROOT))

from tests.servers import redis_executable, redis_server  # noqa: E402


class Run(NamedTuple):
    """One run of pytest, and where its Redis is."""

    name: str
    command: tuple[str, ...]
    url: str = ""
    said: int | None = subprocess.PIPE

    def __call__(self) -> subprocess.CompletedProcess[bytes]:
        # The one that measures is slow enough without a long play of the state machine.
        profile = "smoke" if self.command[0] == "coverage" else "quick"
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", *self.command],
            cwd=ROOT,
            env={"HYPOTHESIS_PROFILE": profile, **os.environ, "REDIS_URL": self.url},
            stdout=self.said,
            stderr=subprocess.STDOUT,
        )


def runs(arguments: list[str], real: str) -> list[Run]:
    """Return what is to be run, the longest first."""
    if arguments:
        found = [Run("on fakeredis", ("pytest", *arguments), said=None)]
    else:
        measured = ("coverage", "run", "-m", "pytest", "-q", "-m", "not once")
        found = [Run("on fakeredis", measured, said=None)]
    if real:
        again = ("pytest", "-q", *arguments, "-m", "not once")
        found.append(Run("on a real redis-server", again, real))
    if not arguments:
        once = ("pytest", "-q", "-m", "once")
        found.append(Run("with servers of its own", (*once, "--ignore=tests/e2e")))
        found.append(Run("in a browser", (*once, "tests/e2e")))
    return found


def told(run: Run, done: Future[subprocess.CompletedProcess[bytes]]) -> bool:
    """Print what a run said, in one piece; say whether it failed."""
    ended = done.result()
    if ended.stdout is not None:
        print(f"== {run.name}", flush=True)
        sys.stdout.buffer.write(ended.stdout)
        sys.stdout.flush()
    return ended.returncode not in (0, NOTHING_TO_RUN if "not once" in run.command else 0)


def main() -> int:
    arguments = sys.argv[1:]
    with ExitStack() as stack:
        real = stack.enter_context(redis_server()) if redis_executable() else ""
        if not real:
            print("== NOT PROVED HERE: there is no redis-server", flush=True)
        print("== on fakeredis", flush=True)
        pool = stack.enter_context(ThreadPoolExecutor(AT_A_TIME))
        started = [(run, pool.submit(run)) for run in runs(arguments, real)]
        failed = [told(run, done) for run, done in started]
    if any(failed) or (REQUIRED and not real):
        return 1
    if arguments:
        return 0
    report = ("coverage", "report", "--skip-covered", "--fail-under=100")
    return Run("coverage", report, said=None)().returncode


if __name__ == "__main__":
    sys.exit(main())
