"""The table of the faults, under the results."""

from __future__ import annotations

from typing import Any

from tests.faults import table


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was hurt, how often, and what got through."""
    if table.ROWS:
        terminalreporter.section("faults")
        for line in table.lines():
            terminalreporter.write_line(line)
