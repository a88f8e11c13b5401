"""django-otp-gate, from this checkout, as it comes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest
from django.urls import include, path

TITLE = "django-otp-gate"
DISTRIBUTION = "otp_gate"
APPS = ["otp_gate"]
MIDDLEWARE = ["otp_gate.middleware.OTPGateMiddleware"]
JOURNEY = {"send": "/otp/", "check": "/otp/", "field": "code"}
WRONG = "abcdef"  # No code is made of letters.


def urls() -> list[Any]:
    return [path("otp/", include("otp_gate.urls"))]


def half(request: HttpRequest, user: Any) -> None:
    login(request, user)


def verified(request: HttpRequest, user: Any) -> None:
    from otp_gate import session
    from otp_gate.identity import user_id_of

    login(request, user)
    session.set_verified(request, user_id_of(user), "email")


def challenge(request: HttpRequest, user: Any) -> Any:
    from otp_gate import session
    from otp_gate.challenge import Challenge

    pending = session.pending_of(session.read(request.session))
    return Challenge.of(user, pending.nonce)


def fresh(user: Any) -> None:
    from otp_gate import codes, store
    from otp_gate.identity import user_id_of

    redis = store.client("default")
    # One by one: on a cluster they lie on different nodes.
    redis.delete(store.record_key(codes.user_digest(user_id_of(user))))
    redis.delete(store.site_key("alarm"))


def issue(request: HttpRequest, user: Any) -> str:
    from otp_gate import codes

    code = codes.make_code(6)
    challenge(request, user).issue(code, "email")
    return code


def send(request: HttpRequest, user: Any) -> str:
    from django.core import mail

    from otp_gate.conf import gate_config
    from otp_gate.letters import letterhead

    pending = challenge(request, user)
    gate_config().factors[0].send(pending, user, letterhead(request, pending))
    return str(mail.outbox[-1].body)


def verify(request: HttpRequest, user: Any, code: str) -> bool:
    from otp_gate import session
    from otp_gate.identity import user_id_of

    reply = challenge(request, user).answer(code)
    if reply.outcome == "accepted":
        session.set_verified(request, user_id_of(user), reply.factor)
    return bool(reply.outcome == "accepted")


def refuse(request: HttpRequest, user: Any) -> None:
    challenge(request, user).verify(WRONG)


Given = tuple[tuple[Any, ...], dict[str, Any]]


def given_to_script(act: Callable[[], Any]) -> Given:
    """Return what is given to a script, without running it."""
    from otp_gate import challenge as engine

    given: list[Given] = []
    run = engine.store.run_for_user
    engine.store.run_for_user = lambda *args, **named: given.append((args, named)) or ANSWER
    try:
        act()
    finally:
        engine.store.run_for_user = run
    return given[0]


def before_script(request: HttpRequest, user: Any) -> Given:
    return given_to_script(lambda: refuse(request, user))


def script(given: Given) -> None:
    """The script of a wrong code alone, without what Python works out before and after."""
    from otp_gate import store

    args, named = given
    store.run_for_user(*args, **named)


def before_issue_script(request: HttpRequest, user: Any) -> Given:
    return given_to_script(lambda: issue(request, user))


issue_script = script
"""The script of an issue alone."""

before_echo = before_issue_script


def echo(given: Given) -> None:
    """What it takes to send an issue's arguments and to read its reply."""
    from otp_gate import store

    if not PREPARED_ECHO:
        PREPARED_ECHO.append(plain_script(f"return '{ANSWER}'"))
    args, named = given
    store.run_for_user(PREPARED_ECHO[0], *args[1:], **named)


def plain_script(text: str) -> Any:
    """Return a script that is in no file."""
    from otp_gate.scripts import Script

    made = Script("")
    made.__dict__["text"] = text
    return made


def alarm(request: HttpRequest, user: Any) -> None:
    """The second trip of a wrong answer."""
    from otp_gate.conf import gate_config
    from otp_gate.site_limits import alarm

    alarm(str(user.pk), *(gate_config().alarm or (50, 3600)))


def evalsha(request: HttpRequest, user: Any) -> None:
    """The floor: a script that does nothing, through the same client."""
    from otp_gate import store

    if not PREPARED_SCRIPT:
        PREPARED_SCRIPT.append(plain_script("return 1"))
    store.run(PREPARED_SCRIPT[0], ["nothing"], [])


def make_code(request: HttpRequest, user: Any) -> None:
    """The floor: what pyotp takes."""
    from otp_gate import codes

    codes.make_code(6)


def doors() -> None:
    """Both doors, a hundred times, for a verified session that has been read already."""
    from django.http import HttpResponse

    from otp_gate.middleware import OTPGateMiddleware

    if not PREPARED:
        answer = HttpResponse()

        def run_view(request: HttpRequest) -> HttpResponse:
            gate.process_view(request, half, (), {})
            return answer

        gate = OTPGateMiddleware(run_view)
        PREPARED.append((gate, verified_request()))
    [(gate, request)] = PREPARED
    for _ in range(TIMES):
        gate(request)


def verified_request() -> Any:
    from django.contrib.auth.middleware import AuthenticationMiddleware
    from django.contrib.sessions.backends.cache import SessionStore

    request = HttpRequest()
    request.method = "GET"
    request.session = SessionStore("k" * 32)
    request.session._session_cache = {
        "_auth_user_id": "1",
        "_otp_gate_verified": {"1": [0.0, "email"]},
    }
    AuthenticationMiddleware(lambda request: None).process_request(request)
    return request


def grow(number: int) -> dict[str, int]:
    """Fill Redis with pending challenges: a real one, copied under so many names of its length."""
    from otp_gate import store

    redis = store.client("default")
    firsts = seeds(redis)
    before = used_memory(redis)
    for first in firsts:
        for start in range(0, number - 1, 10_000):
            stop = min(start + 10_000, number - 1)
            redis.eval(COPIES, 1, first, store.record_key("%016d"), start, stop)
    without = sum(redis.ttl(key) < 0 for key in redis.scan_iter(count=1000, match="*99*"))
    used = used_memory(redis) - before
    nodes = (
        [{"target_nodes": node} for node in redis.get_primaries()] if is_cluster(redis) else [{}]
    )
    keys = sum(redis.dbsize(**node) for node in nodes)
    return {"keys": keys, "bytes": used, "without_ttl": without}


def seeds(redis: Any) -> list[str]:
    """Issue a code, on a cluster one on each primary; return the names of the records."""
    from otp_gate import codes, store
    from otp_gate.challenge import Challenge

    found: dict[Any, str] = {}
    for number in itertools.count():
        key = store.record_key(codes.user_digest(str(number)))
        node = redis.get_node_from_key(key) if is_cluster(redis) else None
        if node not in found:
            challenge = Challenge(str(number), codes.new_nonce(), codes.credential_digest(""))
            challenge.issue("000000", "email")
            found[node] = key
        if not is_cluster(redis) or len(found) == len(redis.get_primaries()):
            break
    return list(found.values())


def is_cluster(redis: Any) -> bool:
    return hasattr(redis, "get_primaries")


def per_primary(redis: Any, section: str) -> list[dict[str, Any]]:
    """Return what each server that answers for keys says of itself."""
    if not is_cluster(redis):
        return [redis.info(section)]
    return list(redis.info(section, target_nodes=redis.PRIMARIES).values())


def used_memory(redis: Any) -> int:
    return sum(said["used_memory"] for said in per_primary(redis, "memory"))


def script_time() -> float:
    """Return how long a script took in this Redis, by its own clock (µs)."""
    from otp_gate import store

    said = per_primary(store.client("default"), "commandstats")
    stats = [one["cmdstat_evalsha"] for one in said if "cmdstat_evalsha" in one]
    return float(sum(one["usec"] for one in stats) / sum(one["calls"] for one in stats))


# On a cluster every primary is told all names, and takes those that are its own. No COPY, which
# would want both names in one slot.
COPIES = """#!lua flags=allow-cross-slot-keys
local record, life = redis.call("DUMP", KEYS[1]), redis.call("PTTL", KEYS[1])
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
  redis.pcall("RESTORE", string.format(ARGV[1], i), life, record)
end
"""
PREPARED: list[Any] = []
TIMES = 100
PREPARED_SCRIPT: list[Any] = []
PREPARED_ECHO: list[Any] = []
ANSWER = "issued:0::1764400000:0:0:0:17644000000000000000K7--------email"
"""What the scripts of a code answer."""
