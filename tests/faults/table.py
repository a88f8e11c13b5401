"""What was tried and what was seen, for the table that the run prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

BOUND = 3.0
"""Seconds within which each request is answered.

A request ends at its first call that fails, and a call fails after two waits of `store.TIMEOUT`
at most (one for the answer, one where the connection has to be made anew): 1 second. The rest is
for a machine that is busy with other things.
"""


@dataclass
class Row:
    """One fault."""

    moments: int = 0
    requests: int = 0
    unavailable: int = 0
    let_in: int = 0
    errors: int = 0
    longest: float = 0

    def ask(self, act: Callable[[], Any]) -> Any:
        """Make a request; return the response."""
        start = time.perf_counter()
        response = act()
        self.longest = max(self.longest, time.perf_counter() - start)
        self.requests += 1
        self.unavailable += response.status_code == 503
        self.errors += response.status_code >= 500 and response.status_code not in (502, 503)
        return response

    def expect_shut(self, client: Any) -> None:
        """See that a browser that has typed no right code gets no page."""
        answer = self.ask(lambda: client.get("/secret/"))
        self.let_in += b"alice" in answer.content

    def assert_fine(self) -> None:
        assert self.moments > 0
        assert (self.let_in, self.errors) == (0, 0)
        assert self.longest < BOUND


ROWS: dict[str, Row] = {}


def row(name: str) -> Row:
    return ROWS.setdefault(name, Row())


def lines() -> Iterator[str]:
    width = max(map(len, ROWS))
    head = ("moments", "requests", "503s", "let in wrongly", "500s", "longest block, s")
    yield f"{'fault':{width}}  " + "  ".join(head)
    for name, row in ROWS.items():
        cells = (row.moments, row.requests, row.unavailable, row.let_in, row.errors)
        numbers = (*map(str, cells), f"{row.longest:.2f}")
        yield f"{name:{width}}  " + "  ".join(
            f"{number:>{len(title)}}" for number, title in zip(numbers, head, strict=True)
        )
