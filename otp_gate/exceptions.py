"""What goes wrong around the gate. A wrong code is no exception: see `outcomes`.

GateError
├── StoreUnavailable   Redis or the session engine did not answer, or not as it should
└── DeliveryError      the code did not leave for the person
"""

from __future__ import annotations


class GateError(Exception):
    """Base of every error that `otp_gate` raises itself."""


class StoreUnavailable(GateError):
    """Redis, or the session engine, is down, slow, full or not configured: the gate stays shut."""


class DeliveryError(GateError):
    """A delivery could not hand the code over. Raise it, or anything else, from `send`."""
