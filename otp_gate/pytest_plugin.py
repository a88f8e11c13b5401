"""Fixtures for the tests of a project behind the gate; pytest finds them by themselves.

Nothing is imported from Django, and nothing of the project is touched, until a test asks for one
of them: the plugin is loaded in every environment where the package is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

OPEN = "otp_gate.testing.open"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "otp_gate", 'OTP gate: "open" lets every login of the tests count as verified', default=""
    )


def pytest_configure(config: pytest.Config) -> None:
    value = config.getini("otp_gate")
    if value == "open":
        config.pluginmanager.import_plugin(OPEN)
    elif value:
        raise pytest.UsageError(f'otp_gate = {value}: it can only be "open"')


@pytest.fixture
def gate_open() -> Iterator[None]:
    """Let every login count as verified during this test."""
    from otp_gate.testing import gate_open

    with gate_open():
        yield


@pytest.fixture
def gate_shut() -> Iterator[None]:
    """Let the gate be as in production during this test, in a suite where it is open."""
    from otp_gate.testing import gate_shut

    with gate_shut():
        yield


@pytest.fixture
def otp_user(db: None) -> Any:
    """Whom the clients below log in: the first active user, or one who is made. Override it."""
    from otp_gate.testing import somebody

    return somebody()


@pytest.fixture
def verified_client(otp_user: Any) -> Any:
    """A Django test client in which `otp_user` has given password and code."""
    from django.test import Client

    from otp_gate.testing import login_verified

    client = Client()
    login_verified(client, otp_user)
    return client


@pytest.fixture
def half_client(gate_shut: None, otp_user: Any) -> Any:
    """A Django test client in which `otp_user` has given the password only; the gate is shut."""
    from django.test import Client

    client = Client()
    client.force_login(otp_user)
    return client


@pytest.fixture
def sent_codes() -> Iterator[list[Any]]:
    """The codes that were sent during this test, oldest first: `.user`, `.code`, `.reference`,
    `.factor`, `.destination`."""
    from otp_gate.testing import sent_codes

    with sent_codes() as codes:
        yield codes


@pytest.fixture
def fake_redis() -> Iterator[None]:
    """An empty Redis inside this process, for the gate alone."""
    from otp_gate.testing import fake_redis

    with fake_redis():
        yield


@pytest.fixture
def assert_gated(otp_user: Any) -> Callable[..., None]:
    """`otp_gate.testing.assertGated`, as `otp_user`."""
    from otp_gate.testing import assertGated

    return partial(assertGated, user=otp_user)


@pytest.fixture
def assert_not_gated(otp_user: Any) -> Callable[..., None]:
    """`otp_gate.testing.assertNotGated`, as `otp_user`."""
    from otp_gate.testing import assertNotGated

    return partial(assertNotGated, user=otp_user)
