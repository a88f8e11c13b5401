"""One build of the gate on one Redis: plays a step, and returns what Redis's own clock counted.

    python -m benchmarks.clock_worker REDIS   (in a folder that holds the package otp_gate)

A line of JSON in, a line of JSON out, see `ClockWorker.play`.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import within

ROW_OF_SESSIONS = 30
"""Half-open sessions of the one user that `LOOK_OF_MANY` is about."""

NOTHING = "return 1"
STORED = "pbkdf2_sha256$1000000$salt$" + "0" * 44
"""What the database holds of a password."""
RIGHT_CODE, WRONG_CODE = "123456", "654321"


def set_up(redis: str) -> None:
    """Configure Django with the defaults of the gate, but no pause between two codes."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="benchmark" * 5,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "otp_gate",
        ],
        CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis}},
        OTP_GATE={"RESEND_COOLDOWN": 0},
    )
    django.setup()


def person(number: int) -> Any:
    """Return a user who is in no database."""
    from django.contrib.auth import get_user_model

    return get_user_model()(pk=number, email=f"user{number}@example.org", password=STORED)


class ClockWorker:
    def __init__(self, redis: str) -> None:
        set_up(redis)
        from otp_gate import store

        self.redis = store.client("default")
        self.redis.flushdb()
        self.nothing = self.redis.script_load(NOTHING)
        self.numbers = itertools.count(1)
        self.logins: list[Any] = []
        self.lone: list[Any] = []
        self.crowd: list[Any] = []

    def login(self, number: int, nonce: str) -> Any:
        """Return the challenge of a user who has given the password; 22 characters of nonce."""
        from otp_gate.challenge import Challenge

        return Challenge.of(person(number), f"{nonce}{number:021d}"[:22])

    def clock(self, acts: list[Callable[[], Any]]) -> dict[str, float]:
        """Return how long the scripts of one of these acts took, and the commands inside (µs)."""
        self.redis.config_resetstat()
        for act in acts:
            act()
        stats = self.redis.info("commandstats")
        return {
            name.removeprefix("cmdstat_"): row["usec"] / len(acts)
            for name, row in stats.items()
            if name.partition("|")[0] not in ("cmdstat_config", "cmdstat_info")
        }

    def clocked(self, acts: list[Callable[[], Any]]) -> dict[str, float]:
        """Measure the acts, with a script that does nothing before and after."""
        idle = [partial(self.redis.evalsha, self.nothing, 0)] * len(acts)
        before, found, after = self.clock(idle), self.clock(acts), self.clock(idle)
        nothing = (before["evalsha"] + after["evalsha"]) / 2
        return {"usec": found.pop("evalsha"), "nothing": nothing} | found

    # The steps of one login, one after the other, each for all users of the batch

    def begin(self, times: int) -> dict[str, float]:
        """Log in so many new users once, so that their destinations are proven."""
        for _ in range(times):
            number = next(self.numbers)
            first = self.login(number, "a")
            self.right(first, self.issue(first))
            self.logins.append(self.login(number, "b"))
        return {}

    def issue(self, login: Any) -> Any:
        reply = login.issue(RIGHT_CODE, "email")
        assert reply.outcome == "issued", reply
        return reply

    def right(self, login: Any, _: object = None) -> None:
        reply = login.verify(RIGHT_CODE)
        assert reply.outcome == "accepted", reply

    def wrong(self, login: Any) -> None:
        reply = login.verify(WRONG_CODE)
        assert reply.outcome == "invalid", reply

    def look(self, login: Any) -> None:
        reply = login.peek()
        assert reply.outcome == "alive", reply

    def first_issue(self, times: int) -> dict[str, float]:
        """Issue the first code of new users: their destinations are not proven."""
        new = [self.login(next(self.numbers), "a") for _ in range(times)]
        return self.clocked([partial(self.issue, login) for login in new])

    # One user with many half-open sessions

    def without_budget(self) -> None:
        """Lift the limit of codes sent, which would not let one user have so many sessions."""
        from django.conf import settings

        from otp_gate.conf import gate_config

        settings.OTP_GATE = {"RESEND_COOLDOWN": 0, "SENDS": []}
        gate_config.cache_clear()

    def look_at(self, sessions: int, times: int) -> dict[str, float]:
        """Look at one session of a user who has so many."""
        self.without_budget()
        number = next(self.numbers)
        logins = [self.login(number, f"{place:02d}") for place in range(sessions)]
        for login in logins:
            self.issue(login)
        return self.clocked([partial(self.look, logins[sessions // 2])] * times)

    # Bytes, and the whole call

    def bytes_of_one(self, times: int) -> dict[str, float]:
        """Return what one pending login takes: its record, and what is kept for a destination."""
        self.first_issue(times)  # Whatever the server keeps for itself is there from now on.
        self.redis.flushdb()
        before = self.used()
        for _ in range(times):
            self.issue(self.login(next(self.numbers), "a"))
        found = {"server": (self.used() - before) / times, "record": 0.0, "shared": 0.0}
        for key in self.redis.scan_iter(count=1000):
            kind = "record" if key.endswith("}") else "shared"
            found[kind] += self.redis.memory_usage(key) / times
        return found

    def used(self) -> int:
        return int(self.redis.info("memory")["used_memory"])

    def whole(self, times: int) -> dict[str, float]:
        """Return quiet times (µs): an issue from the user on, a bare EVALSHA, and pyotp."""
        from otp_gate import codes
        from otp_gate.challenge import Challenge

        self.logins.clear()
        self.begin(times)
        ready = iter([(login.user_id, login.nonce) for login in self.logins])

        def before() -> Any:
            number, nonce = next(ready)
            return person(int(number)), nonce

        def issue(given: Any) -> None:
            Challenge.of(*given).issue(codes.make_code(6), "email")

        found = within.in_turn(
            {
                "evalsha": (lambda: None, lambda _: self.redis.evalsha(self.nothing, 1, "key")),
                "pyotp": (lambda: None, lambda _: codes.make_code(6)),
                "issue": (before, issue),
            },
            times,
        )
        self.logins.clear()
        return {name: one["quiet"] for name, one in found.items()}

    def parts(self, times: int) -> dict[str, float]:
        """Return the quiet time (µs) in each part of one issue; a part holds those inside it."""
        import otp_gate.challenge as engine
        from otp_gate import codes, realms, store

        walls: dict[str, list[int]] = {}

        def timed(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
            def measured(*args: Any, **named: Any) -> Any:
                started = time.perf_counter_ns()
                try:
                    return act(*args, **named)
                finally:
                    walls.setdefault(name, []).append(time.perf_counter_ns() - started)

            return measured

        places = [
            (codes, "_digest"),
            (codes, "new_references"),
            (realms, "realm"),
            (store, "record_key"),
            (store, "as_json"),
            (engine, "parse"),
        ]
        self.begin(times)
        ready = [(person(int(login.user_id)), login.nonce) for login in self.logins]
        self.logins.clear()
        kept = [(module, name, getattr(module, name)) for module, name in places]
        for module, name, act in kept:
            setattr(module, name, timed(name, act))
        try:
            for given in ready:
                made = timed("Challenge.of", engine.Challenge.of)(*given)
                timed("issue", made.issue)(RIGHT_CODE, "email")
        finally:
            for module, name, act in kept:
                setattr(module, name, act)
        return {
            f"{name} x {len(taken) / times:g}": within.quiet(taken) * len(taken) / times / 1e3
            for name, taken in walls.items()
        }

    def play(self, step: str, times: int) -> dict[str, float]:
        """Play a step so many times."""
        if step in ("issue", "look", "wrong", "right"):
            found = self.clocked([partial(getattr(self, step), login) for login in self.logins])
            if step == "right":
                self.logins.clear()
            return found
        if step in ("look_at_one", "look_at_many"):
            from django.conf import settings

            from otp_gate.conf import gate_config

            found = self.look_at(ROW_OF_SESSIONS if step == "look_at_many" else 1, times)
            settings.OTP_GATE = {"RESEND_COOLDOWN": 0}
            gate_config.cache_clear()
            return found
        return dict(getattr(self, step)(times))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # What is printed goes to the log.
    worker = ClockWorker(sys.argv[1])
    answers.write("{}\n")
    for line in sys.stdin:
        answers.write(json.dumps(worker.play(**json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
