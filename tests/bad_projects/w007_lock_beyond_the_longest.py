"""The first lock is longer than the longest."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"FAILURES": {"lock": 600, "lock_max": 60}}
