"""The decision of the gate: from what is known of a request to a verdict.

`decide` does no I/O and needs neither a request nor a server. The middleware gathers the evidence,
asks for a verdict and acts on it, once for sync and once for async; no rule stands there. Evidence
that costs something (the answer of the policy, the view of the path) is gathered only where the
verdict says that it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from otp_gate import session
from otp_gate.conf import GateConfig
from otp_gate.policy import everyone


class Opening(Enum):
    """What the requested view is to a half-authenticated session."""

    CLOSED = "closed"
    """Any view that nothing opens."""
    HIDE_USER = "exempt"
    """An exempt view: it runs and sees AnonymousUser."""
    SHOW_USER = "exempt, reveals the user"
    """An exempt view that asked for the half-authenticated user."""
    OWN_PAGE = "own page"
    """A page of the gate: it runs, and its view alone sees the half-authenticated user."""


class Verdict(Enum):
    """What the gate does with a request."""

    # Enum's own is a function of Python, and each request looks a verdict up.
    __hash__ = object.__hash__

    ANONYMOUS = "pass: no user"
    VERIFIED = "pass: the code was typed in"
    NOT_REQUIRED = "pass: the policy asks this user for no code"
    HIDE_USER = "pass as half-authenticated: the view sees AnonymousUser"
    SHOW_USER = "pass as half-authenticated: the view sees the user"
    OWN_PAGE = "pass as half-authenticated: only the gate's own view sees the user"
    REPORT = "pass, log and count: MODE is report"
    REFUSE = "turn away"
    EXPIRE = "log out: the time to type the code in is over"
    UNKNOWN = "stay shut: the session or the user cannot be read"
    UNKNOWN_REPORTED = "pass: the session or the user cannot be read, and MODE is report"
    ASK_POLICY = "no verdict yet: ask the policy"
    ASK_VIEW = "no verdict yet: find the view"


class Evidence(NamedTuple):
    """What is known of one request."""

    data: Mapping[str, Any]
    """The data of the session."""
    user_id: str | None
    """The id of `request.user`; None for AnonymousUser."""
    other_id: str | None = None
    """The id of the user of `request.auser()`, if that is another user."""
    mark: Any = None
    """The mark of `user_id` in the session, if it is not too old."""
    required: bool | None = None
    """What the policy answered; None as long as it was not asked."""
    opening: Opening | None = None
    """What the view is; None as long as it was not looked for."""


BY_OPENING = {
    Opening.CLOSED: Verdict.REFUSE,
    Opening.HIDE_USER: Verdict.HIDE_USER,
    Opening.SHOW_USER: Verdict.SHOW_USER,
    Opening.OWN_PAGE: Verdict.OWN_PAGE,
}


def decide_at_once(user_id: str | None, mark: Any) -> Verdict | None:
    """Return the verdict on a session of one user that needs no code, else None.

    Most requests are of these two kinds, and nothing else needs to be known of them.
    """
    if user_id is None:
        return Verdict.ANONYMOUS
    return None if mark is None else Verdict.VERIFIED


def decide(evidence: Evidence, config: GateConfig) -> Verdict:
    """Return the verdict on a request; ASK_POLICY or ASK_VIEW where evidence is missing.

    DESIGN: the order of the rules is the order of the branches. Under the default policy nobody
    need be loaded, so the policy is asked only where another one is set.
    """
    data, user_id, other_id, mark, required, opening = evidence
    if session.is_one(data, user_id, other_id):
        if (verdict := decide_at_once(user_id, mark)) is not None:
            return verdict
        if config.policy is not everyone:
            if required is None:
                return Verdict.ASK_POLICY
            if not required:
                return Verdict.NOT_REQUIRED
    if config.mode == "enforce" and session.is_overdue(data):
        return Verdict.EXPIRE
    return Verdict.ASK_VIEW if opening is None else decide_view(opening, config)


def decide_view(opening: Opening, config: GateConfig) -> Verdict:
    """Return the verdict on a view for a half-authenticated session."""
    if config.mode == "report":
        return Verdict.REPORT if opening is Opening.CLOSED else Verdict.SHOW_USER
    return BY_OPENING[opening]


def decide_blindly(config: GateConfig) -> Verdict:
    """Return the verdict where the evidence cannot be read: such a session may be half."""
    return Verdict.UNKNOWN_REPORTED if config.mode == "report" else Verdict.UNKNOWN
