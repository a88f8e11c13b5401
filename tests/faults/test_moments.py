"""Redis is hurt at every moment of a login: before a command, or after it with the answer lost.

Whatever happens: the half-authenticated stay out, the verified get their pages, nobody sees a 500,
nothing is counted or sent twice, no page waits longer than its bound, the page never speaks of a
code that was not sent, and once Redis is well the next try works, in this same process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests import table
from tests.browsers import redis_at
from tests.faults.play import (
    COLD,
    FIRST,
    GATE,
    RIGHT,
    STEPS,
    STRANGE,
    TOKEN_RIGHT,
    TOKEN_WRONG,
    UNSENT,
    WARM,
    WRONG,
    Stage,
)
from tests.faults.proxy import When
from tests.faults.ward import FAULTS, Fault, Ward, ward
from tests.helpers import pass_gate

pytestmark = pytest.mark.once


WHENS: tuple[When, ...] = ("before", "after")
COMMANDS = [
    *((RIGHT, 1), (WRONG, 1)),
    *((FIRST, 1), (FIRST, 3), (UNSENT, 4)),
    *((TOKEN_WRONG, 1), (TOKEN_RIGHT, 1), (TOKEN_RIGHT, 2)),
]
"""By number of the command: with GLOBAL_SENDS, the shared budget is asked third."""


@pytest.fixture(scope="module")
def place() -> Iterator[Ward]:
    with ward() as found:
        yield found


@pytest.fixture
def stage(place: Ward, alice: Any, bob: Any, settings: Any, request: Any) -> Stage:
    fault = request.getfixturevalue("fault")
    settings.CACHES = redis_at(place.proxy.port)
    settings.OTP_GATE = GATE
    place.user_id = str(alice.pk)
    verified = Client(raise_request_exception=False)
    pass_gate(verified, "bob")
    return Stage(place, table.row(fault.name), verified)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_at_the_command_that_matters(stage: Stage, fault: Fault) -> None:
    """The command of one script is never sent, or its answer never comes.

    Issue, the shared budget and the failed delivery; verify; claim and settle.
    """
    if fault.slow:
        # A server that hangs finds the command in its buffers when it goes on.
        stage.play(fault, FIRST, 1, "before")
    else:
        for step, number in COMMANDS:
            for when in WHENS:
                stage.play(fault, step, number, when)
    stage.row.assert_fine()


@pytest.mark.torture
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_at_every_command(stage: Stage, fault: Fault) -> None:
    """Also while the connection is made, and while the server learns the scripts."""
    for temperature in (WARM, COLD, STRANGE):
        for step in STEPS:
            for number in range(1, stage.commands_of(step, temperature) + 1):
                for when in WHENS:
                    stage.play(fault, step, number, when, temperature)
    stage.row.assert_fine()
