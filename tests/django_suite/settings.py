"""Settings for Django's runtests.py: its own for SQLite, and one more middleware in each chain.

BEHIND names that middleware: "gate", "reader" (only reads the session: the control run), or
"nothing" (the suite as it was released).
"""

from __future__ import annotations

import os
import sys

from test_sqlite import *  # noqa: F403 - beside runtests.py

from tests.django_suite import chains

TEST_RUNNER = "tests.django_suite.runner.Runner"
# Each login is let through, so everything that the tests expect must still be so.
OTP_GATE = {"POLICY": "tests.django_suite.chains.asks_nobody"}

BEHIND = os.environ.get("BEHIND", "gate")
if BEHIND != "nothing":
    chains.insert(chains.MIDDLEWARE[BEHIND])
if BEHIND == "gate":
    # runtests.py takes the apps from its own list, and not from the settings.
    sys.modules["__main__"].ALWAYS_INSTALLED_APPS.append(chains.APP)  # type: ignore[attr-defined]
