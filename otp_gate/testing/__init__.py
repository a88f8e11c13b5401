"""For the tests of a project behind the gate, which would otherwise break all of them.

`gate_open` switches the gate off for whoever is logged in, `verify` and `login_verified` open one
client, `assertGated` proves a URL closed, `sent_codes` and `fake_redis` let a test go the whole
way. The pytest fixtures are in `otp_gate.pytest_plugin`. Never import it on a site that serves
people. It can be imported before Django is set up, as a `conftest.py` may be.
"""

from __future__ import annotations

from otp_gate.testing.assertions import METHODS, assertGated, assertNotGated
from otp_gate.testing.cases import GateMixin, GateTestCase, OpenGateMixin, OpenGateTestCase
from otp_gate.testing.clients import (
    NobodyLoggedIn,
    alogin_verified,
    averify,
    login_verified,
    verify,
)
from otp_gate.testing.memory import fake_redis
from otp_gate.testing.outbox import SentCode, sent_codes
from otp_gate.testing.people import somebody
from otp_gate.testing.switch import gate_open, gate_shut

__all__ = [
    "METHODS",
    "GateMixin",
    "GateTestCase",
    "NobodyLoggedIn",
    "OpenGateMixin",
    "OpenGateTestCase",
    "SentCode",
    "alogin_verified",
    "assertGated",
    "assertNotGated",
    "averify",
    "fake_redis",
    "gate_open",
    "gate_shut",
    "login_verified",
    "sent_codes",
    "somebody",
    "verify",
]
