"""The project of the parallel proofs, on whatever Redis the test names; each answer tells its SQL.

The lock after ten wrong answers in a row is as it comes; the limits of a day, of a user and of the
site, would stop the load.
"""

from __future__ import annotations

import json
import os

from tests.parallel.settings import *  # noqa: F403

CACHES = json.loads(os.environ["CACHES"])
# Its query for the current site, once in each process, would blur what a request takes.
INSTALLED_APPS = [
    app
    for app in INSTALLED_APPS  # noqa: F405
    if app.rpartition(".")[2] not in ("sites", "flatpages", "redirects")
]
MIDDLEWARE = ["tests.torture.counting.CountSQL", *MIDDLEWARE]  # noqa: F405
OTP_GATE = {
    **OTP_GATE,  # noqa: F405
    "GLOBAL_SENDS": (1_000_000, 900),
    "ALARM": (1_000_000, 60),
    "FAILURES": {"per_day": 10_000, "stop": 10_000},
}
