"""Where the time goes: a step under the profiler, and a whole login taken apart."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks import meters
from benchmarks.environments import ROOT
from benchmarks.mail import code_in
from benchmarks.people import People


def profile(before: Callable[[], Any], act: Callable[[Any], Any], times: int) -> dict[str, float]:
    """Do it under a profiler; return the share of each package in the time."""
    profiler = cProfile.Profile()
    for _ in range(times):
        given = before()
        profiler.enable()
        act(given)
        profiler.disable()
    shares: Counter[str] = Counter()
    for (file, _, name), row in pstats.Stats(profiler).stats.items():
        shares[package_of(file, name)] += row[2]
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.most_common()}


def calls(before: Callable[[], Any], act: Callable[[Any], Any], times: int) -> dict[str, Any]:
    """Do it under a profiler; return the calls of the gate's functions in one, and the dearest."""
    # CPU, not the clock: a busy machine stops a function in its middle.
    profiler = cProfile.Profile(time.process_time)
    act(before())
    for _ in range(times):
        given = before()
        profiler.enable()
        act(given)
        profiler.disable()
    spent: Counter[str] = Counter()
    number = 0
    for (file, _, name), row in pstats.Stats(profiler).stats.items():
        if package_of(file, name) == "otp_gate":
            number += row[1]
            spent[name] += row[2]
    whole = sum(spent.values())
    top = [(name, seconds / whole) for name, seconds in spent.most_common(8)]
    return {"own": number / times, "top": top}


def journey(people: People) -> dict[str, float]:
    """Log in once, in this process; return the CPU (ms) of the hasher and of each step."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher
    from django.core import mail
    from django.test import Client

    people.fresh_user()
    mail.outbox = []
    client = Client()
    spent = dict.fromkeys(("hasher", "password", "send", "check"), 0.0)

    def timed(original: Any) -> Any:
        def encode(*args: Any) -> Any:
            started = time.process_time()
            try:
                return original(*args)
            finally:
                spent["hasher"] += time.process_time() - started

        return encode

    def step(name: str, method: str, path: str, fields: Any = None) -> None:
        started = time.process_time()
        response = getattr(client, method)(path, fields, headers={"Accept": "text/html"})
        spent[name] = time.process_time() - started
        if response.status_code not in (200, 302):
            raise RuntimeError(f"{path} answered {response.status_code}")

    with meters.replaced(PBKDF2PasswordHasher, "encode", timed):
        step("password", "post", "/login/", {"username": "alice", "password": "correct horse"})
    if way := people.contender.JOURNEY:
        step("send", "get", way["send"])
        code = code_in(str(mail.outbox[-1].body))
        step("check", "post", way["check"], {way["field"]: code})
    if client.get("/user/").content != b"alice":
        raise RuntimeError("the login led nowhere")
    spent["password"] -= spent["hasher"]
    return {name: seconds * 1e3 for name, seconds in spent.items()}


def package_of(file: str, name: str) -> str:
    """Return to whom a function belongs, in the words of the tables."""
    if file.startswith(f"{ROOT}/otp_gate/"):
        return "otp_gate"
    for known in ("django_redis", "django", "redis", "pyotp", "asgiref"):
        if f"/site-packages/{known}/" in file:
            return "redis-py" if known in ("redis", "django_redis") else known
    if "socket" in name:
        return "waiting for Redis"
    return "Python itself"
