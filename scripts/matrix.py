"""Run the sessions of noxfile.py, two at a time: each keeps one core busy.

    make matrix                     every supported pair of Django and Python
    make matrix ARGS=--ends         the oldest pair and the newest

Other arguments go to pytest. Each session is told of in one piece, when it is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOX = [sys.executable, "-m", "nox"]
AT_A_TIME = 2


def sessions() -> list[str]:
    listed = subprocess.run(
        [*NOX, "--list", "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return [item["session"] for item in json.loads(listed.stdout)]


def run(session: str, arguments: Sequence[str]) -> tuple[str, int, float, str]:
    """Run one session; return its name, exit code, seconds and output."""
    begun = time.monotonic()
    done = subprocess.run(
        [*NOX, "--session", session, "--", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return session, done.returncode, time.monotonic() - begun, done.stdout


def main() -> int:
    failed = []
    names, arguments = sessions(), sys.argv[1:]
    if "--ends" in arguments:
        arguments.remove("--ends")
        pairs = [name for name in names if name.startswith("tests(")]
        names = [pairs[0], pairs[-1]]
    print(f"== {len(names)} sessions, {AT_A_TIME} at a time: {', '.join(names)}", flush=True)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for future in as_completed([pool.submit(run, session, arguments) for session in names]):
            session, code, seconds, output = future.result()
            print(f"== {session}: {'FAILED' if code else 'done'} in {seconds:.0f} s")
            print(output, flush=True)
            if code:
                failed.append(session)
    print(f"== failed: {', '.join(sorted(failed))}" if failed else "== nothing failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
