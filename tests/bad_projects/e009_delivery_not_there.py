"""The delivery of a factor is a dotted path to nothing."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.doubles import Carrier


class Pigeon(Carrier):
    """Its pigeons have flown."""

    delivery = "tests.doubles.Pigeons"


OTP_GATE = {"FACTORS": [Pigeon]}
