"""Run the suite twice, on fakeredis and on a real Redis of its own, and ask for full coverage.

Both at once, since each keeps one core busy. The first measures; the second then drives what
starts servers, browsers and builds of its own ("once"). With arguments, they go to pytest, once on
each Redis.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = os.environ.get("OTP_GATE_REQUIRE_REAL") == "1"
sys.path.insert(0, str(ROOT))

from tests.servers import redis_executable, redis_server  # noqa: E402


def start(*command: str, url: str, **files: Any) -> subprocess.Popen[bytes]:
    # The one that measures is slow enough without a long play of the state machine.
    profile = "smoke" if command[0] == "coverage" else "quick"
    environ = {"HYPOTHESIS_PROFILE": profile, **os.environ, "REDIS_URL": url}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", *command], cwd=ROOT, env=environ, **files
    )


def main() -> int:
    arguments = sys.argv[1:]
    first = ["coverage", "run", "-m", "pytest", "-q", "-m", "not once"]
    if arguments:
        first = ["pytest", *arguments]
    second = ["pytest", "-q", *arguments, "-m", "not once"]
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile())
        others = None
        if redis_executable() is not None:
            url = stack.enter_context(redis_server())
            others = start(*second, url=url, stdout=said, stderr=subprocess.STDOUT)
        print("== on fakeredis", flush=True)
        measured = start(*first, url="")
        again = int(REQUIRED) if others is None else others.wait()
        alone = 0
        if not arguments:
            alone = start(
                "pytest", "-q", "-m", "once", url="", stdout=said, stderr=subprocess.STDOUT
            ).wait()
        failed = measured.wait()
        missing = "" if others else "NOT PROVED HERE: there is no redis-server"
        print(f"== on a real redis-server, and with servers of its own {missing}", flush=True)
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.flush()
    failed = failed or alone or (again if again != 5 else 0)  # 5: nothing was asked for again
    if failed or arguments:
        return failed
    return start("coverage", "report", "--skip-covered", "--fail-under=100", url="").wait()


if __name__ == "__main__":
    sys.exit(main())
