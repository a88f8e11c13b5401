"""What goes wrong around the gate. A wrong code is no exception: see `outcomes`.

    GateError
    ├── StoreUnavailable   Redis or the session engine did not answer, or not as it should
    │   └── CodeInDoubt    so that nobody knows whether Redis holds a code that was never delivered
    └── DeliveryError      the code did not leave for the person

GateMisplaced, ConsumerMisplaced and GateBeforeDjango, which are Django's ImproperlyConfigured, say
what to move where.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured


class GateError(Exception):
    """Base of every error that `otp_gate` raises itself."""


class StoreUnavailable(GateError):
    """Redis, or the session engine, is down, slow, full or not configured: the gate stays shut."""


class CodeInDoubt(StoreUnavailable):
    """Redis may hold a code that nobody was sent: it ran the script, and its answer was lost."""

    def __init__(self, message: str, digest: str) -> None:
        super().__init__(message)
        self.digest = digest
        """What Redis holds of that code, for the next call to take back."""


class DeliveryError(GateError):
    """A delivery could not hand the code over. Raise it, or anything else, from `send`."""


class GateMisplaced(ImproperlyConfigured):
    """The gate stands where it sees no session or no user."""

    def __init__(self) -> None:
        super().__init__(
            "The OTP gate needs request.session and request.user: in MIDDLEWARE, move "
            "'otp_gate.middleware.OTPGateMiddleware' below "
            "'django.contrib.sessions.middleware.SessionMiddleware' and "
            "'django.contrib.auth.middleware.AuthenticationMiddleware'."
        )


class ConsumerMisplaced(ImproperlyConfigured):
    """The gate stands around an HTTP consumer where it sees no session or no user."""

    def __init__(self) -> None:
        super().__init__(
            "otp_gate.channels.OTPGateMiddleware got an HTTP request without 'session' and 'user' "
            "in its scope: put channels.auth.AuthMiddlewareStack around it."
        )


class GateBeforeDjango(ImproperlyConfigured):
    """The gate stands around an app that is not Django's handler, and that should lead to it."""

    def __init__(self) -> None:
        super().__init__(
            "otp_gate.channels.OTPGateMiddleware got a request for the page of the code, and the "
            "app at that address is not the one of get_asgi_application(). Where another app is "
            "wrapped around that one, put OTPGateMiddleware inside of it, around consumers only."
        )
