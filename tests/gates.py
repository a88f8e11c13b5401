"""How a test sees that the gate is shut, and how it puts other middleware around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from tests import views

GATE = "otp_gate.middleware.OTPGateMiddleware"


def assert_held(response: Any, target: str = "") -> None:
    """The request was turned away to the OTP page, `target` being where it goes on; no view ran."""
    address = f"/otp/?{urlencode({'next': target}, safe='/')}" if target else "/otp/"
    assert (response.status_code, response.headers.get("Location")) == (302, address)
    assert "no-store" in response["Cache-Control"]
    assert not views.RAN


def put_around_gate(
    settings: Any, *, before: Sequence[str] = (), after: Sequence[str] = ()
) -> None:
    """Put middleware right before and right after the gate."""
    middleware = list(settings.MIDDLEWARE)
    place = middleware.index(GATE)
    middleware[place : place + 1] = [*before, GATE, *after]
    settings.MIDDLEWARE = middleware


def restarted(client: Any) -> Any:
    """Return the client as of a server that has read its settings anew."""
    getattr(client, "client", client).handler._middleware_chain = None
    return client
