"""The page of the benchmarks says what was measured, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import doors, figures, redis_clock, report, runner, targets

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


def clocked(*builds: str) -> figures.Figures:
    """Return figures of Redis's own clock: each script takes 4 µs today and 16 µs before."""
    us = {redis_clock.NEW: 4.0, redis_clock.OLD: 16.0}
    calls = {"issue": 30.0, "evalsha": 10.0, "pyotp": 10.0}
    rows = {
        name: {step: [{"usec": us[name], "nothing": 2.0} | calls] for step in redis_clock.WORDS}
        for name in builds
    }
    sizes = {name: {"record": 184, "shared": 104, "server": 300} for name in builds}
    return figures.Figures(
        clock={
            "day": "",
            "load": "1.0",
            "rounds": 1,
            "times": 1,
            "rows": rows,
            "bytes": sizes,
            "parts": [{"issue x 1": 30.0}],
        }
    )


def test_scripts_are_compared_with_those_of_the_build_before() -> None:
    """Beside a script that does nothing, and beside the same script of the other commit."""
    found = clocked(redis_clock.NEW, redis_clock.OLD)
    page = report.redis_clock_section(found.clock)
    assert (
        "| right code | 2.00 (2.00 to 2.00) | 8.00 (8.00 to 8.00) | 0.25 (0.25 to 0.25) |" in page
    )
    judged = {target.what: target.verdict for target in targets.clocked(found)}
    assert judged["by Redis's clock: right code"] == "yes"
    assert judged["by Redis's clock: right code: beside 10cfabb"] == "yes"
    assert judged["issue, the whole call, beside EVALSHA + pyotp"] == "no"


def test_repository_without_the_build_before_says_so() -> None:
    """A shallow clone does not hold the commit: the page names what was not measured."""
    found = clocked(redis_clock.NEW)
    page = report.redis_clock_section(found.clock)
    assert "does not hold commit 10cfabb" in page
    assert "| right code | 2.00 (2.00 to 2.00) | - | - |" in page
    assert not any("beside 10cfabb" in target.what for target in targets.clocked(found))
