"""What a worker process takes until it has answered its first request; printed as JSON.

python -m benchmarks.startup   (in the contender's environment; see runner.environment)
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


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
    # CPU, not the clock: a start is mostly imports, and a busy machine makes them wait.
    print(json.dumps({"ms": time.process_time() * 1e3, "modules": len(sys.modules), "kib": kib()}))


if __name__ == "__main__":
    main()
