"""Every number of the catalogue has its test, or says here where it is proved, or why it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent
NUMBERS = {*range(1, 47), *range(50, 121)}

ELSEWHERE = {
    6: "projects/crawl.py::main",
    42: "test_user_models.py::test_any_primary_key_and_any_field_names",
    60: "parallel/test_races.py::test_of_500_wrong_answers_over_20_sessions_10_are_compared",
    61: "parallel/test_races.py::test_of_200_right_answers_at_once_one_opens_the_session",
    83: "faults/test_moments.py::test_a_fault_at_the_command_that_matters",
    86: "parallel/test_races.py::test_where_redis_accepts_a_code_twice_one_session_is_opened",
    87: "faults/test_moments.py::test_a_fault_at_the_command_that_matters",
    119: "test_properties.py::test_no_order_of_events_breaks_the_rules",
}
"""Attacks that need servers, processes or a run of their own."""

DEVICES = "authenticator apps, passkeys, recovery codes and trusted browsers are not built yet"
NOT_HERE = {
    59: "there is one kind of code so far; " + DEVICES,
    **dict.fromkeys(range(90, 103), DEVICES),
}
"""What does not apply to what is built, and why."""


def proved() -> set[int]:
    """Return the numbers of the tests in this folder."""
    text = "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    return {
        int(number)
        for name in re.findall(r"^(?:async )?def test_((?:a_\d+_)+)", text, re.MULTILINE)
        for number in re.findall(r"\d+", name)
    }


def test_no_attack_is_left_out() -> None:
    """Each stands in one of the three places, and in one only."""
    assert proved() | set(ELSEWHERE) | set(NOT_HERE) == NUMBERS
    assert not proved() & set(ELSEWHERE)
    assert not proved() & set(NOT_HERE)
    assert not set(ELSEWHERE) & set(NOT_HERE)


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_what_is_proved_elsewhere_is_there(place: str) -> None:
    """A test that is renamed takes its number with it."""
    path, _, name = place.partition("::")
    assert f"def {name}(" in (TESTS / path).read_text("utf-8")
