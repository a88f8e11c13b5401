"""What a worker process takes until it has answered its first request; printed as JSON.

python -m benchmarks.startup   (in the contender's environment; see runner.environment)
"""

from __future__ import annotations

import time

STARTED = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402


def kib() -> int:
    """Return the memory of this process that is its own."""
    rollup = Path("/proc/self/smaps_rollup")
    if not rollup.exists():
        return 0
    lines = rollup.read_text("utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def main() -> None:
    from benchmarks.wire import call, environ
    from benchmarks.wsgi import application

    if call(application, environ("/open/", "")) != 200:
        sys.exit("the first request failed")
    took = (time.perf_counter() - STARTED) * 1e3
    print(json.dumps({"ms": took, "modules": len(sys.modules), "kib": kib()}))


if __name__ == "__main__":
    main()
