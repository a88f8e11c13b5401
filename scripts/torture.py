"""Hurt everything, for long: Redis topologies, every fault at every command, load (--short: once).

Other arguments go to pytest. One table at the end tells what was done, how often, and what got
through; it must be nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.topologies import redis_cluster  # noqa: E402


def pytest(*arguments: str, **extra: str) -> int:
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **extra}).returncode


def on_cluster(*arguments: str) -> int:
    """Run the suite with its cache on a Redis Cluster."""
    with tempfile.TemporaryDirectory() as folder, redis_cluster(Path(folder)) as cluster:
        return pytest(
            *arguments, "-m", "not once and not one_server", REDIS_URL=",".join(cluster.urls)
        )


def main() -> int:
    arguments = sys.argv[1:]
    if "--short" in arguments:
        arguments.remove("--short")
        return pytest("-m", "torture", "tests/torture", *arguments, OTP_GATE_TORTURE="short")
    failed = pytest("tests/test_properties.py", *arguments, HYPOTHESIS_PROFILE="torture")
    failed |= on_cluster(*arguments)
    return failed | pytest("-m", "torture", *arguments)


if __name__ == "__main__":
    sys.exit(main())
