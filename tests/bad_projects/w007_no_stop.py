"""A thousand wrong answers in a row are too many."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

OTP_GATE = {"FAILURES": {"stop": 1000}}
