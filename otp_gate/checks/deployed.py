"""What only `check --deploy` looks at, because it asks another machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage

from otp_gate import conf, redis_server
from otp_gate.checks.surroundings import check_cache, is_in_process
from otp_gate.exceptions import StoreUnavailable

W_EVICTION = "otp_gate.W014"
I_NOT_ASKED = "otp_gate.I001"


def check_eviction(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The Redis of the gate deletes no count of wrong answers to make room.

    A server that cannot be asked is no fault of the settings (a build machine has none): that is an
    `Info`, which fails no `check --fail-level WARNING`.
    """
    config, _ = conf.read_settings()
    if config is None or check_cache(None) or is_in_process(config.cache):
        return []
    try:
        known = redis_server.information()
    except StoreUnavailable as error:
        return [not_asked(str(error))]
    if "maxmemory_policy" not in known:
        return [not_asked("INFO and CONFIG are forbidden")]
    risk = redis_server.eviction_risk(known)
    return (
        [checks.Warning(f"{risk}.", hint=redis_server.POLICY_HINT, id=W_EVICTION)] if risk else []
    )


def not_asked(reason: str) -> CheckMessage:
    """Return the message for a server whose policy is unknown."""
    return checks.Info(
        f"Redis did not say its maxmemory-policy: {reason}.",
        hint="It must be noeviction; run manage.py otp_gate doctor where Redis can be reached.",
        id=I_NOT_ASKED,
    )
