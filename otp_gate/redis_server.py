"""What the gate asks a Redis server about itself, for `doctor` and `check --deploy`.

Never asked while requests are served, nor by `migrate` or a plain `check`.
"""

from __future__ import annotations

from typing import Any

from otp_gate import store

SAFE_POLICY = "noeviction"
"""The only `maxmemory-policy` that deletes no record. `volatile-*` deletes those of the gate, too,
for each of them has a TTL."""

POLICY_HINT = (
    "In redis.conf: maxmemory-policy noeviction (now: CONFIG SET maxmemory-policy noeviction), "
    "or give the gate a Redis of its own: OTP_GATE = {'CACHE': …}"
)


def information() -> dict[str, Any]:
    """Return what INFO says, of the node with the worst policy; managed servers may forbid CONFIG.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    answer = store.ask("INFO")
    nodes = [answer] if "maxmemory_policy" in (answer or {}) else list((answer or {}).values())
    known = [node for node in nodes if isinstance(node, dict) and "maxmemory_policy" in node]
    if known:
        return max(known, key=lambda node: node["maxmemory_policy"] != SAFE_POLICY)
    policy: dict[str, Any] = store.ask("CONFIG GET", "maxmemory-policy") or {}
    return dict(zip(["maxmemory_policy"], policy.values(), strict=False))


def eviction_risk(known: dict[str, Any]) -> str:
    """Return in words what an evicting policy costs; "" for a safe policy, or an unknown one.

    Args:
        known: see `information`.
    """
    policy = known.get("maxmemory_policy", SAFE_POLICY)
    if policy == SAFE_POLICY:
        return ""
    when = (
        "as soon as a maxmemory is set" if known.get("maxmemory") == 0 else "when memory is short"
    )
    return (
        f"Redis has maxmemory-policy {policy}: {when} it deletes the counts of wrong answers and "
        "the locks, and an attacker can guess anew"
    )
