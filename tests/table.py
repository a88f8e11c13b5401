"""What was tried and what was seen, for the table that the run prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

BOUND = 3.0
"""Seconds within which each request is answered.

A request ends at its first call that fails, and a call fails after two waits of `REDIS_TIMEOUT`
at most (one for the answer, one where the connection has to be made anew): 1 second. The rest is
for a machine that is busy with other things.
"""


@dataclass
class Row:
    """One fault."""

    moments: int = 0
    logins: int = 0
    requests: int = 0
    unavailable: int = 0
    let_in: int = 0
    twice: int = 0
    errors: int = 0
    longest: float = 0

    def __iadd__(self, other: Row) -> Row:
        for name, number in vars(other).items():
            both = max if name == "longest" else int.__add__
            setattr(self, name, both(getattr(self, name), number))
        return self

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

    def assert_safe(self) -> None:
        assert self.moments > 0
        assert (self.let_in, self.twice, self.errors) == (0, 0, 0)

    def assert_fine(self) -> None:
        self.assert_safe()
        assert self.longest < BOUND


ROWS: dict[str, Row] = {}
NOTES: list[str] = []
"""What was measured beside it, a sentence each."""


def row(name: str) -> Row:
    return ROWS.setdefault(name, Row())


HEAD = {
    "times": "moments",
    "logins": "logins",
    "requests": "requests",
    "503s": "unavailable",
    "let in wrongly": "let_in",
    "two sessions": "twice",
    "500s": "errors",
    "longest, s": "longest",
}


def lines() -> Iterator[str]:
    width = max(map(len, ROWS), default=0)
    yield f"{'what was done':{width}}  " + "  ".join(HEAD)
    for name, row in ROWS.items():
        cells = [getattr(row, field) for field in HEAD.values()]
        yield f"{name:{width}}  " + "  ".join(
            f"{cell:>{len(title)}{'.2f' if isinstance(cell, float) else ''}}"
            for cell, title in zip(cells, HEAD, strict=True)
        )
    yield from NOTES
