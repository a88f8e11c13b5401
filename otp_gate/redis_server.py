"""What the gate asks a Redis server about itself, for `doctor` and `check --deploy`.

Never asked while requests are served, nor by `migrate` or a plain `check`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from otp_gate import realms, store

SAFE_POLICY = "noeviction"
"""The only `maxmemory-policy` that deletes no record. `volatile-*` deletes those of the gate, too,
for each of them has a TTL."""

POLICY_HINT = (
    "In redis.conf: maxmemory-policy noeviction (now: CONFIG SET maxmemory-policy noeviction), "
    "or give the gate a Redis of its own: OTP_GATE = {'CACHE': …}"
)

OUTSIDE_SCRIPTS = {
    "eval",  # Where the server does not know a script yet …
    "evalsha",  # … and where it does.
    "zrem",  # `store.discount`
    "del",  # `store.remove`
    "select",  # another database than 0
    "info",  # `information`
    "command",  # a cluster's client: where a command has its keys
    "cluster|slots",  # a cluster's client: which node has which slot
    "asking",  # a cluster's client: amid a reshard
}
"""Commands that the gate and its client library send, in the spelling of Redis ACL."""


def acl_line(name: str = "gate") -> str:
    """Return the command that makes a Redis user with no more rights than the gate needs.

    Redis asks a user for the rights to the commands inside its scripts, too. The list is read from
    the scripts, so that no command is missing and none is left over.
    """
    used = set(OUTSIDE_SCRIPTS)
    for script in (Path(__file__).parent / "lua").glob("*.lua"):
        found = re.findall(r'\bp?call\("([A-Z]+)"', script.read_text("utf-8"))
        used.update(command.lower() for command in found)
    rights = " ".join(f"+{command}" for command in sorted(used))
    return f"ACL SETUSER {name} reset on >PASSWORD ~{realms.pattern()} {rights}"


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
