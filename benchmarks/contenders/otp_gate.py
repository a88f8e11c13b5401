"""django-otp-gate, from this checkout, as it comes."""

from __future__ import annotations

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
    redis.delete(store.record_key(codes.user_digest(user_id_of(user))), store.site_key("alarm"))


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


def before_script(request: HttpRequest, user: Any) -> list[Any]:
    """Work out what the script of a wrong code is given."""
    from otp_gate import challenge as engine
    from otp_gate import codes, store

    named = challenge(request, user)
    given: list[Any] = []
    run = store.run_for_user
    engine.store.run_for_user = lambda *args: given.extend(args) or run(*args)  # type: ignore[func-returns-value]
    try:
        named.verify(WRONG)
    finally:
        engine.store.run_for_user = run
    # Another attempt, for the same one would be answered without being counted.
    return [*given[:4], codes.new_attempt(), *given[5:]]


def script(given: list[Any]) -> None:
    """The script of a wrong code alone, without what Python works out before and after."""
    from otp_gate import store

    store.run_for_user(*given)


def alarm() -> None:
    """The second trip of a wrong answer."""
    from otp_gate.challenge import alarm
    from otp_gate.conf import gate_config

    alarm(*(gate_config().alarm or (50, 3600)))


def evalsha() -> None:
    """The floor: a script that does nothing, through the same client."""
    from otp_gate import store

    if not PREPARED_SCRIPT:
        PREPARED_SCRIPT.append(store.Script())
        PREPARED_SCRIPT[0].source = "return 1"
    store.run(PREPARED_SCRIPT[0], ["nothing"], [])


def make_code() -> None:
    """The floor: what pyotp takes."""
    from otp_gate import codes

    codes.make_code(6)


def doors() -> None:
    """Both doors, a hundred times, for a verified session that has been read already."""
    from otp_gate.middleware import OTPGateMiddleware

    if not PREPARED:
        PREPARED.append((OTPGateMiddleware(lambda request: None), verified_request()))
    [(gate, request)] = PREPARED
    for _ in range(TIMES):
        gate.decide(request)
        gate.process_view(request, half, (), {})


def verified_request() -> Any:
    from django.contrib.auth.middleware import AuthenticationMiddleware
    from django.contrib.sessions.backends.cache import SessionStore

    request = HttpRequest()
    request.session = SessionStore("k" * 32)
    request.session._session_cache = {  # type: ignore[attr-defined]
        "_auth_user_id": "1",
        "_otp_gate_verified": {"1": [0.0, "email"]},
    }
    AuthenticationMiddleware(lambda request: None).process_request(request)
    return request


def grow(number: int) -> dict[str, int]:
    """Fill Redis with pending challenges: a real one, copied under so many names of its length."""
    from otp_gate import codes, store
    from otp_gate.challenge import Challenge

    redis = store.client("default")
    before = redis.info("memory")["used_memory"]
    Challenge("0", codes.new_nonce(), codes.credential_digest("")).issue("000000", "email")
    first = store.record_key(codes.user_digest("0"))
    for start in range(0, number - 1, 10_000):
        stop = min(start + 10_000, number - 1)
        redis.eval(COPIES, 1, first, store.record_key("%016d"), start, stop)
    without = sum(redis.ttl(key) < 0 for key in redis.scan_iter(count=1000, match="*99*"))
    used = redis.info("memory")["used_memory"] - before
    return {"keys": redis.dbsize(), "bytes": used, "without_ttl": without}


COPIES = """
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
  redis.call("COPY", KEYS[1], string.format(ARGV[1], i))
end
"""
PREPARED: list[Any] = []
TIMES = 100
PREPARED_SCRIPT: list[Any] = []
