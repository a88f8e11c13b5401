"""The one line for a suite that was there before the gate; every login of it counts as verified.

`pytest_plugins = ["otp_gate.testing.open"]` in the top-level conftest.py, or `otp_gate = open`
among the options of pytest.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otp_gate.testing.switch import gate_open


@pytest.fixture(scope="session", autouse=True)
def gate_open_for_all() -> Iterator[None]:
    """The gate is open for the whole run; the fixture `gate_shut` shuts it for one test."""
    with gate_open():
        yield
