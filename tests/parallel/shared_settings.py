"""The same project with the default SENDS: five codes in a quarter of an hour."""

from __future__ import annotations

from tests.parallel.crowded_settings import *  # noqa: F403

OTP_GATE = {**OTP_GATE, "SENDS": [(5, 900), (20, 86_400)]}  # noqa: F405
