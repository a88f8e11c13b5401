"""The API reference: which modules are public, and what of them is shown."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any

PUBLIC = {
    "otp_gate.middleware": ["OTPGateMiddleware"],
    "otp_gate.decorators": ["otp_exempt", "otp_required"],
    "otp_gate.state": ["GateState"],
    "otp_gate.policy": ["everyone", "staff", "superusers", "groups"],
    "otp_gate.conf": ["GateConfig", "Failures", "gate_config"],
    "otp_gate.signals": [
        "code_sent",
        "code_accepted",
        "code_refused",
        "user_locked",
        "login_disowned",
        "guessing_suspected",
        "operator_code_made",
        "request_refused",
    ],
    "otp_gate.outcomes": ["Outcome", "Reply"],
    "otp_gate.exceptions": [
        "GateError",
        "StoreUnavailable",
        "CodeInDoubt",
        "DeliveryError",
        "GateMisplaced",
    ],
    "otp_gate.challenge": ["Challenge"],
    "otp_gate.factors.base": ["Factor", "CodeFactor"],
    "otp_gate.factors.email": ["EmailCode"],
    "otp_gate.factors.sms": ["SMSCode"],
    "otp_gate.factors.console": ["ConsoleCode"],
    "otp_gate.delivery.base": ["Delivery", "Message", "Letterhead"],
    "otp_gate.delivery.email": ["EmailDelivery"],
    "otp_gate.delivery.sms": ["SMSDelivery"],
    "otp_gate.delivery.console": ["ConsoleDelivery"],
    "otp_gate.cluster": ["ClusterConnectionFactory"],
    "otp_gate.impersonation": ["carry_over", "carry_back", "stay_verified"],
    "otp_gate.channels": ["OTPGateMiddleware"],
    "otp_gate.drf": ["IsVerified"],
    "otp_gate.streams": ["while_verified"],
    "otp_gate.testing": [
        "gate_open",
        "gate_shut",
        "verify",
        "averify",
        "login_verified",
        "alogin_verified",
        "NobodyLoggedIn",
        "assertGated",
        "assertNotGated",
        "GateMixin",
        "GateTestCase",
        "OpenGateMixin",
        "OpenGateTestCase",
        "sent_codes",
        "SentCode",
        "fake_redis",
        "somebody",
    ],
    "otp_gate.pytest_plugin": [],
}
"""Module: names. A module that is not there, or whose package is not installed, is left out."""


def there() -> dict[str, list[str]]:
    """Return the public modules that this checkout has."""
    return {module: names for module, names in PUBLIC.items() if find_spec(module) is not None}


def read(app: Any, page: str, text: list[str]) -> None:
    """Write one section for each module under what the page says itself."""
    if page != "api":
        return
    for module, names in there().items():
        lines = ["", f"``{module}``", "-" * (len(module) + 4), "", f".. automodule:: {module}", ""]
        for name in names:
            lines += [*directive(module, name), ""]
        text[0] += "\n".join(lines)


def directive(module: str, name: str) -> list[str]:
    found = getattr(import_module(module), name)
    if inspect.isclass(found):
        kind = "exception" if issubclass(found, BaseException) else "class"
        return [f".. auto{kind}:: {module}.{name}", "   :members:"]
    return [f".. auto{'function' if inspect.isfunction(found) else 'data'}:: {module}.{name}"]


def literal_blocks(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """What stands indented behind an empty line is code; Sphinx would take it for a quotation."""
    made: list[str] = []
    for number, line in enumerate(lines):
        before = lines[number - 2 : number] if number > 1 else ["", "    "]
        if re.match(r" {4}\S", line) and re.match(r"\S", before[0]) and not before[1].strip():
            made += ["::", ""]
        made.append(line)
    lines[:] = made


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", literal_blocks, priority=400)
    return {"parallel_read_safe": True}
