"""What is measured, and how often: the names by which the runner and the workers speak."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to do again and again; `name` is what LACKS of a contender matches."""

    group: str
    """"wsgi", "asgi" or "code"."""
    what: str
    engine: str = "cache"
    times: int = 48
    """In one batch."""

    @property
    def name(self) -> str:
        return f"{self.group}, {self.what}, {self.engine} sessions"


READS_USER = "verified, reads the user"
PLAIN = "verified, plain view"
ANONYMOUS = "anonymous"
TURNED_AWAY = "turned away"
ISSUED = "code issued"
SENT = "code issued and mailed"
RIGHT = "right code"
WRONG = "wrong code"
ALARM = "alarm"
EVALSHA = "bare EVALSHA"
PYOTP = "pyotp"
SCRIPT = "the script of a wrong code"
ISSUE_SCRIPT = "the script of an issue"
ECHO = "a script that answers an issue at once"
DOORS = "both doors, a hundred times"

# Person, path; the async form of each path begins with an "a".
REQUESTS = {
    READS_USER: ("verified", "/user/"),
    PLAIN: ("verified", "/plain/"),
    ANONYMOUS: ("nobody", "/open/"),
    TURNED_AWAY: ("half", "/plain/"),
}
# The function of the contender that does it.
STEPS = {
    ISSUED: "issue",
    SENT: "send",
    RIGHT: "verify",
    WRONG: "refuse",
    SCRIPT: "script",
    ISSUE_SCRIPT: "issue_script",
    ECHO: "echo",
    ALARM: "alarm",
    EVALSHA: "evalsha",
    PYOTP: "make_code",
    DOORS: "doors",
}

FROM_NOTHING = (ISSUED, SENT, ISSUE_SCRIPT, ECHO)
"""Done where no code is alive yet."""

BY_ITSELF = (DOORS,)
"""So short that it is done often in one go, with nobody logged in before."""

BESIDE = {TURNED_AWAY: PLAIN}
"""What the bare Django does meanwhile, if not the same: it turns nobody away."""

ENGINES = ("cache", "db", "cached_db")

EVERYTHING = [
    *(Scenario("wsgi", what, engine) for engine in ENGINES for what in REQUESTS),
    *(Scenario("asgi", what, engine, 12) for engine in ("cache", "db") for what in REQUESTS),
    *(Scenario("code", what, times=8) for what in STEPS if what not in (ISSUE_SCRIPT, ECHO)),
]
"""On SQLite, as the figures that the targets come from."""

ON_POSTGRESQL = [
    *(Scenario("wsgi", what, engine) for engine in ("cache", "db") for what in REQUESTS),
    *(Scenario("code", what, times=8) for what in (ISSUED, SENT, RIGHT, WRONG)),
]

WITHIN = [
    *(Scenario("wsgi", READS_USER, engine, 150) for engine in ENGINES),
    Scenario("wsgi", ANONYMOUS, times=300),
    Scenario("code", ISSUED, times=50),
]
"""Taken apart within one process; see `within`."""

PARTS = (EVALSHA, ECHO, ISSUE_SCRIPT, PYOTP, ISSUED, SCRIPT)
"""Of a code, from the floor upwards."""

GROWING = [
    *(Scenario("code", what, times=30) for what in (ISSUED, RIGHT, WRONG)),
    Scenario("wsgi", TURNED_AWAY, times=120),
]
"""At each number of pending challenges."""

PROFILED = [
    Scenario("wsgi", READS_USER),
    Scenario("wsgi", PLAIN),
    Scenario("wsgi", TURNED_AWAY),
    Scenario("code", ISSUED),
    Scenario("code", SENT),
    Scenario("code", RIGHT),
    Scenario("code", WRONG),
]
