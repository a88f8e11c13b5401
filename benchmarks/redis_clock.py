"""What each script takes by Redis's own clock, today's beside those of the build before.

Redis's clock (`usec_per_call` of EVALSHA in INFO commandstats) is what bounds how many logins one
Redis can serve; the client has no part in it. Both builds are asked in turn within one run, each on
a database of its own of one server, and a script that only returns 1 before and after each batch.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import tarfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, ensure
from benchmarks.figures import Ratio, spread
from tests import servers

BEFORE = "10cfabb"
"""The commit whose scripts read the whole record, and took fourteen arguments."""

LOOK_OF_ONE, LOOK_OF_MANY = "look_at_one", "look_at_many"
STEPS = ("issue", "look", "wrong", "right", "first_issue")
LOOKS = (LOOK_OF_ONE, LOOK_OF_MANY)
WHOLE = ("whole",)
LIMITS = {"issue": 6.4, "look": 3.9, "wrong": 6.6, "right": 9.0, LOOK_OF_MANY: 1.1, "whole": 1.3}
"""How many times as much as what it is compared with a step may take."""
COMMANDS = ("time", "hmget", "hset", "hdel", "expire")
"""What the scripts of one login ask of Redis."""
AGAINST = 0.4
"""The same beside the build before."""
WORDS = {
    "issue": "issue, the destination is proven",
    "first_issue": "issue, the destination is not proven (two scripts)",
    "look": "look at what is pending",
    "wrong": "wrong code",
    "right": "right code",
    LOOK_OF_ONE: "the same look at a user with one session",
    LOOK_OF_MANY: "the same with 30 sessions, beside one session",
    "whole": "issue, the whole call, beside EVALSHA + pyotp",
}
NEW, OLD = "new", "old"

Rounds = dict[str, dict[str, list[dict[str, float]]]]
"""Build, step, one of each round."""


class ClockWorker:
    """One build in a process of its own."""

    def __init__(self, folder: Path, redis: str, log: Path) -> None:
        self.log = log.open("ab")
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        # The folder comes first on the path, and so does its package.
        command = [ensure("otp_gate"), "-m", "benchmarks.clock_worker", redis]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.answer()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            said = Path(self.log.name).read_text("utf-8")
            raise RuntimeError(f"a clock worker died: {said[-2000:]}")
        return json.loads(line)

    def ask(self, step: str, times: int) -> dict[str, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"step": step, "times": times}) + "\n")
        self.process.stdin.flush()
        return dict(self.answer())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


def checkout(folder: Path) -> Path | None:
    """Put the package of the build before into a folder; None where the repository lacks it.

    A clone of little depth, or an archive of the sources, does not hold the commit.
    """
    command = ["git", "archive", "--format=tar", BEFORE, "otp_gate"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True)
    except OSError:
        return None
    if done.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def measure(folder: Path, rounds: int, times: int) -> dict[str, Any]:
    """Ask all steps of both builds, in turn, on a server of their own.

    Args:
        times: logins in one batch.
    """
    own = folder / NEW
    own.mkdir(parents=True)
    (own / "otp_gate").symlink_to(ROOT / "otp_gate")
    builds = {NEW: own}
    if before := checkout(folder / OLD):
        builds[OLD] = before
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        redis = stack.enter_context(servers.redis_server()).rpartition("/")[0]
        workers = {}
        for number, (name, path) in enumerate(builds.items(), start=1):
            log = folder / f"clock-{name}.log"
            worker = workers[name] = ClockWorker(path, f"{redis}/{number}", log)
            stack.callback(worker.close)
        rows: Rounds = {name: {} for name in workers}
        for turn in range(rounds):
            for step in ("begin", *STEPS, *LOOKS, *WHOLE):
                for name in list(workers)[:: -1 if turn % 2 else 1]:
                    found = workers[name].ask(step, times)
                    if found:
                        rows[name].setdefault(step, []).append(found)
        parts = [workers[NEW].ask("parts", times) for _ in range(rounds)]
        sizes = {name: worker.ask("bytes_of_one", 1_000) for name, worker in workers.items()}
    return {
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "load": f"{load:.1f}",
        "rounds": rounds,
        "times": times,
        "rows": rows,
        "bytes": sizes,
        "parts": parts,
    }


def bare(rounds: Sequence[dict[str, float]]) -> list[float]:
    """Return each round as a multiple of the script that does nothing, run beside it."""
    return [one["usec"] / one["nothing"] for one in rounds]


def beside(rounds: Sequence[dict[str, float]], others: Sequence[dict[str, float]]) -> list[float]:
    """Return each round as a multiple of another step, or of the other build, in that round."""
    return [one["usec"] / other["usec"] for one, other in zip(rounds, others, strict=True)]


def whole(rounds: Sequence[dict[str, float]]) -> list[float]:
    """Return a whole call as a multiple of EVALSHA and pyotp together in the same round."""
    return [one["issue"] / (one["evalsha"] + one["pyotp"]) for one in rounds]


def of_build(found: dict[str, Any], name: str, step: str) -> Ratio:
    """Return what a step of a build takes, as a multiple of what `WORDS` says of it."""
    rows = found["rows"][name]
    if step == LOOK_OF_MANY:
        return spread(beside(rows[step], rows[LOOK_OF_ONE]))
    return spread(whole(rows[step]) if step in WHOLE else bare(rows[step]))


def against(found: dict[str, Any], step: str) -> Ratio | None:
    """Return a step of today's build as a multiple of the same of the build before."""
    rows = found["rows"]
    if OLD not in rows:
        return None
    if step in WHOLE:
        pairs = zip(rows[NEW][step], rows[OLD][step], strict=True)
        return spread([one["issue"] / other["issue"] for one, other in pairs])
    return spread(beside(rows[NEW][step], rows[OLD][step]))


def inside(found: dict[str, Any], step: str) -> dict[str, float]:
    """Return where the time of a script goes (µs): commands, and what Lua does by itself."""
    rows = found["rows"][NEW][step]
    median = {name: statistics.median(row.get(name, 0) for row in rows) for name in COMMANDS}
    whole, nothing = (statistics.median(row[name] for row in rows) for name in ("usec", "nothing"))
    own = whole - nothing - sum(median.values())
    return {"whole": whole, "a script that does nothing": nothing, **median, "Lua": own}


def parts(found: dict[str, Any]) -> dict[str, float]:
    """Return the time in each part of the whole call of an issue (µs)."""
    rows = found["parts"]
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}
