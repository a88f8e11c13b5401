"""docs/security.md promises nothing that no test proves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
PROOFS = sorted(set(re.findall(r"`([\w/]+\.py(?:::\w+)?)`", PAGE)))
PROMISES = PAGE.partition("## Promises")[2].partition("## What it does not promise")[0]


@pytest.mark.parametrize("proof", PROOFS)
def test_each_proof_is_there(proof: str) -> None:
    """By the name that the page gives."""
    path, _, name = proof.partition("::")
    assert f"def {name}" in (TESTS / path).read_text("utf-8")


def test_each_promise_names_its_proof() -> None:
    """The last cell of each row of the promises is a test."""
    rows = [row for row in PROMISES.splitlines() if row.startswith("| ") and "|---" not in row]
    rows = [row for row in rows if row != "| promise | proof |"]
    assert len(rows) > 25
    for row in rows:
        assert "`" in row.rsplit("|", 2)[1], row


def test_each_number_is_in_the_catalogue() -> None:
    """A-51 on the page is an attack that is really tried, or told why not."""
    from tests.attacks.test_catalogue import NUMBERS

    named = {int(number) for number in re.findall(r"\bA-(\d+)\b", PAGE)}
    assert named
    assert named <= NUMBERS
