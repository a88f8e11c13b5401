"""The page of the benchmarks says what was measured, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import doors, figures, report, runner

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def latest() -> figures.Figures:
    return figures.load(ROOT / "benchmarks" / "results" / "latest.json")


def test_no_number_of_the_page_was_typed_in(latest: figures.Figures) -> None:
    """Page and chart are what the command makes of the figures that it kept."""
    words, start, _ = (ROOT / "docs" / "benchmarks.md").read_text("utf-8").partition(report.START)
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    assert page == words + report.markdown(latest)
    assert (ROOT / "docs" / "images" / "bench.svg").read_text("utf-8") == report.svg(latest)
    assert start


def test_no_number_of_the_doors_was_typed_in() -> None:
    """The page of the doors, too, is what the command makes of its figures."""
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    kept = json.loads((ROOT / "benchmarks" / "results" / "doors.json").read_text("utf-8"))
    assert page == page.partition(doors.START)[0] + doors.markdown(kept)


def test_every_contender_was_there(latest: figures.Figures) -> None:
    """Nobody is left out of the table, and each has a lock file of its own."""
    assert sorted(latest.about) == sorted(runner.names())
    locks = {path.stem for path in (ROOT / "requirements" / "bench").glob("*.txt")}
    assert locks == set(runner.names())


def test_every_dash_has_a_reason(latest: figures.Figures) -> None:
    """What a contender was not measured at, it cannot do, and the page says why."""
    page = report.lacking(latest)
    for name, row in latest.results.batches.items():
        lacking = latest.results.lacks.get(name, {})
        assert set(row) | set(lacking) == set(latest.about), name
    assert "it raises NotImplementedError" in page
