"""The project's limits as the scripts read them: constants with names, put before the source.

They are the same in every call, so they travel once: Redis keeps a script by the digest of its
source, and a project with other limits runs another script.
"""

from __future__ import annotations

import re

from otp_gate.conf import GateConfig

DAY = 86_400

LOGINS = 30
"""Half-authenticated sessions of one user that may have a code; the oldest gives way."""

PROVEN = 90 * DAY
"""How long a destination counts as the user's own (seconds) after a code from it was typed in."""

FAILURE_COOLDOWN = 60
"""The longest pause after a delivery that failed (seconds): one failure costs nobody a code."""

OPERATOR_TTL = 600
"""The longest life of an operator's code (seconds): ASVS 6.5.5 and NIST allow no more to any code
that is not typed in at once."""


def longest_window(config: GateConfig) -> int:
    """Return for how long (seconds) a user's record may be asked about what was counted."""
    return max([DAY, config.failures.lock_max, *(window for _, window in config.sends)])


def as_constants(config: GateConfig, script: str) -> str:
    """Return the limits that a script names, in Lua.

    They are milliseconds, but for windows and TTL of records (seconds).
    """
    failures = config.failures
    sends = ", ".join(f"{number}, {window}" for number, window in config.sends)
    limits = {
        "CODE_TTL": config.code_ttl * 1000,
        "CODE_ATTEMPTS": config.code_attempts,
        "RESEND_COOLDOWN": config.resend_cooldown * 1000,
        "PENDING_TTL": max(config.pending_ttl, config.code_ttl) * 1000,
        "LOCK_AFTER": failures.lock_after,
        "LOCK": failures.lock * 1000,
        "LOCK_MAX": failures.lock_max * 1000,
        "HOLD": failures.lock_max * 1000,
        "PER_DAY": failures.per_day,
        "STOP": failures.stop,
        "MOST_SENDS": max((number for number, _ in config.sends), default=0),
        "LONGEST": longest_window(config),
        "LOGINS": LOGINS,
        "PROVEN": PROVEN,
        "FAILURE_COOLDOWN": min(config.resend_cooldown, FAILURE_COOLDOWN) * 1000,
        "OPERATOR_TTL": OPERATOR_TTL * 1000,
        "VERIFIED": 400,
        "SENDS": f"{{ {sends} }}",
    }
    named = set(re.findall(r"\b[A-Z_]+\b", script))
    # Each one takes time in every call.
    return "".join(f"local {name} = {limit}\n" for name, limit in limits.items() if name in named)
