"""What most packages do, and what the scripts are there for: get, decide, set.

Each line is right as long as nothing runs beside it. The proofs must see that it is wrong.
"""

from __future__ import annotations

import time
from typing import Any

from django.apps import AppConfig

from otp_gate import cycle, store

run_script = store.run_for_user


def run_for_user(code: tuple[str, str], user: str, *args: Any) -> Any:
    """Do in Python what `verify.lua` does, as far as the proofs go; leave the rest to scripts."""
    if code is not store.VERIFY:
        return run_script(code, user, *args)
    tag, digest, _, attempts, _, lock_after, lock, *_ = args
    key, now = store.record_key(user), int(time.time() * 1000)
    with store.bounded() as redis:
        record = redis.hgetall(key)
        issued, expires, tries, flag, factor, reference = record["t" + tag].split(":")
        row = int(record.get("f", 0))
        word = "invalid"
        if int(record.get("l", 0)) > now:
            word = "locked"
        elif "c" + tag not in record:
            word = "none"
        elif int(tries) >= attempts:
            word = "used_up"
        elif record["c" + tag] == digest:
            word, row, flag = "accepted", 0, "u"
            redis.hdel(key, "c" + tag)
        else:
            row, tries = row + 1, str(int(tries) + 1)
        challenge = ":".join([issued, expires, tries, flag, factor, reference])
        redis.hset(key, mapping={"f": row, "t" + tag: challenge})
        if word == "invalid" and row % lock_after == 0:
            redis.hset(key, "l", now + lock)
    return [
        word,
        reference,
        factor,
        "1000",
        "0",
        "1",
        "60000" if word == "locked" else "0",
        "",
        "0",
    ]


run_any = store.run


def run(script: Any, keys: Any, args: Any, alias: str | None = None) -> Any:
    """Do in Python what `take.lua` and `keep.lua` do."""
    if script is store.KEEP:
        return keep(keys[0], *args)
    if script is not store.TAKE:
        return run_any(script, keys, args, alias)
    with store.bounded() as redis:
        found = redis.hget(keys[0], f"r{args[0]}")
        time.sleep(0.05)  # So that it need not be tried often until another one comes between.
        redis.hdel(keys[0], f"r{args[0]}")
    return found or ""


def keep(
    key: str, name: str, sealed: str, life: int, user: str, _: int, most: int, most_bytes: int
) -> int:
    """Count what is saved, decide, then save."""
    with store.bounded() as redis:
        forms = [value for field, value in redis.hgetall(key).items() if field[0] == "r"]
        if len(forms) >= most or sum(map(len, forms)) + len(sealed) > most_bytes:
            return 0
        time.sleep(0.05)
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
