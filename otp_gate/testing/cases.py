"""Base classes for the tests of a project; the mixins are for those who have a base class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.test import TestCase

from otp_gate.testing import assertions, clients
from otp_gate.testing.switch import turn_for

__unittest = True  # So that a report of unittest ends at the line of the test.

if TYPE_CHECKING:
    from django.test import SimpleTestCase as Base
else:
    Base = object


class GateMixin(Base):
    """The assertions and the clients, as methods. Put it before the base class."""

    otp_gate_is_open: ClassVar[bool | None] = None
    """True, or False: how the gate is for the whole class; None: as it is around it."""

    @classmethod
    def setUpClass(cls) -> None:
        turn_for(cls)
        super().setUpClass()

    def assertGated(self, url: Any, **options: Any) -> None:
        """See `otp_gate.testing.assertGated`."""
        __tracebackhide__ = True
        assertions.assertGated(url, **options)

    def assertNotGated(self, url: Any, **options: Any) -> None:
        """See `otp_gate.testing.assertNotGated`."""
        __tracebackhide__ = True
        assertions.assertNotGated(url, **options)

    def verify(self, client: Any = None) -> None:
        """Verify `self.client`, or another client; see `otp_gate.testing.verify`."""
        clients.verify(client or self.client)

    def login_verified(self, user: Any, backend: str | None = None) -> None:
        """Log a user in in `self.client`, and verify him."""
        clients.login_verified(self.client, user, backend)


class OpenGateMixin(GateMixin):
    """The same, and every login of these tests counts as verified."""

    otp_gate_is_open = True


class GateTestCase(GateMixin, TestCase):
    """Django's `TestCase` with `assertGated`, `assertNotGated`, `verify`, `login_verified`."""


class OpenGateTestCase(OpenGateMixin, TestCase):
    """The same with the gate open: what a suite needs that was there before the gate."""
