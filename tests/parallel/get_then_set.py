"""What most packages do, and what the scripts are there for: get, decide, set.

Each line is right as long as nothing runs beside it. The proofs must see that it is wrong.
"""

from __future__ import annotations

import json
import time
from typing import Any

from django.apps import AppConfig

from otp_gate import cycle, scripts, store
from otp_gate.conf import gate_config
from otp_gate.limits import LOGINS

GAP = 0.05
"""Seconds between a look and what is written after it: the fault itself, wide enough to be seen. No
proof of the product waits for it."""

run_script = store.run_for_user


def run_for_user(script: scripts.Script, user: str, **given: Any) -> Any:
    """Do in Python what some scripts do, as far as the proofs go; leave the rest to scripts."""
    if script is scripts.VERIFY:
        return verify(user, **given)
    if script is scripts.CLAIM:
        return claim(user, **given)
    if script is scripts.ISSUE:
        return issue(user, **given)
    return run_script(script, user, **given)


def verify(user: str, **given: Any) -> str:
    config, field = gate_config(), f"c{given['tag']}"
    key, now = store.record_key(user), int(time.time() * 1000)
    with store.bounded() as redis:
        record = redis.hgetall(key)
        credential, *counts = record["u"].split(":")
        row, locked, *rest = map(int, counts or "0000000")
        code = record.get(field, "")
        tries = int(code[29:33] or 0)
        word = "invalid"
        if locked > now:
            word = "locked"
        elif not code:
            word = "none"
        elif tries >= config.code_attempts:
            word = "used_up"
        elif code[:16] == given["code"]:
            word, row = "accepted", 0
            redis.hdel(key, field)
        else:
            row, tries = row + 1, tries + 1
            redis.hset(key, field, f"{code[:29]}{tries:04}{code[33:]}")
        if word == "invalid" and row % config.failures.lock_after == 0:
            locked = now + config.failures.lock * 1000
        redis.hset(key, "u", ":".join(map(str, (credential, row, locked, *rest))))
    if word == "accepted":
        return f"accepted:{code[46:]}"
    return f"{word}:{60_000 if word == 'locked' else 0}::{now // 1000}:0:0:0:{code[16:]}"


def claim(user: str, **given: Any) -> str:
    config, key, now = gate_config(), store.record_key(user), int(time.time() * 1000)
    with store.bounded() as redis:
        record = redis.hgetall(key)
        credential, *counts = record.get("u", given["who"]).split(":")
        row, locked, *rest = map(int, counts or "0000000")
        if locked > now:
            return "locked:60000:"
        time.sleep(GAP)
        row, letter = row + 1, "c"
        if row % config.failures.lock_after == 0:
            locked, letter = now + config.failures.lock * 1000, "l"
        stamp = now // 1000 + 1
        written = {
            "u": ":".join(map(str, (credential, row, locked, *rest))),
            "w": f"{record.get('w', '')}{stamp}",
            "q": f"{record.get('q', '')}{given['attempt']}{stamp}{letter}",
        }
        redis.hset(key, mapping=written)
    return f"alive:{60_000 if letter == 'l' else 0}:{'l' if letter == 'l' else ''}"


def issue(user: str, **given: Any) -> Any:
    """Read the list of logins, issue, then write the list; the oldest login gives way."""
    key = store.record_key(user)
    with store.bounded() as redis:
        logins = (redis.hget(key, "i") or "").split(",")[:-1]
        time.sleep(GAP)
        answer = run_script(scripts.ISSUE, user, **given)
        logins = [*(tag for tag in logins if tag != given["tag"]), given["tag"]]
        for tag in logins[:-LOGINS]:
            redis.hdel(key, f"c{tag}", f"o{tag}", f"z{tag}")
        redis.hset(key, "i", "".join(f"{tag}," for tag in logins[-LOGINS:]))
    return answer


run_any = store.run


def run(script: Any, keys: Any, args: Any, alias: str | None = None) -> Any:
    """Do in Python what `take.lua`, `keep.lua` and `shared.lua` do."""
    if script is scripts.KEEP:
        return keep(keys[0], *args)
    if script is scripts.SHARED:
        return share(keys[0], json.loads(args[0])["id"])
    if script is not scripts.TAKE:
        return run_any(script, keys, args, alias)
    with store.bounded() as redis:
        found = redis.hget(keys[0], f"r{args[0]}")
        time.sleep(GAP)
        redis.hdel(keys[0], f"r{args[0]}")
    return found or ""


def share(key: str, name: str) -> int:
    """Count what was sent to a destination, decide, then count this one."""
    number, window = gate_config().sends[0]
    with store.bounded() as redis:
        log = redis.get(key) or ""
        if len(log) >= 18 * number:
            return window * 1000
        time.sleep(GAP)
        redis.set(key, f"{log}{int(time.time()) + 1}{name}", ex=window)
    return 0


def keep(
    key: str, name: str, sealed: str, life: int, user: str, _: int, most: int, most_bytes: int
) -> int:
    """Count what is saved, decide, then save."""
    with store.bounded() as redis:
        forms = [value for field, value in redis.hgetall(key).items() if field[0] == "r"]
        if len(forms) >= most or sum(map(len, forms)) + len(sealed) > most_bytes:
            return 0
        time.sleep(GAP)
        redis.hset(key, f"r{name}", sealed)
        redis.pexpire(key, life)
    return 1


class TwoRedis(AppConfig):
    """Put it in the place of the scripts: what it does is what two Redis do that have parted."""

    name = "tests.parallel"
    label = "two_redis"

    def ready(self) -> None:
        store.run_for_user = run_for_user


class GetThenSet(TwoRedis):
    """Leave out, too, that the half-authenticated session can be ended once only."""

    label = "get_then_set"

    def ready(self) -> None:
        super().ready()
        store.run = run
        cycle.cycle_key_once = lambda opened: opened.cycle_key()
