"""What may be wrong around the gate: the settings, Redis, the clock, the sessions, the delivery.

Nothing here prints what an exception says: the text of one may hold an address with its password.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from django.apps import apps
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.utils.module_loading import import_string

from otp_gate import checks, codes, conf, realms, redis_server, scripts, store
from otp_gate.addresses import page_url
from otp_gate.checks.site import AUTH, GATE
from otp_gate.checks.surroundings import is_in_process
from otp_gate.delivery.base import Letterhead, Message
from otp_gate.exceptions import StoreUnavailable
from otp_gate.message_hosts import fault_of_site
from otp_gate.page_files import fault_of_files
from otp_gate.replies import understood

MAX_DRIFT = 5.0
"""Seconds by which two clocks may differ: codes live by Redis's, sessions by this process's."""

PROBE_LIFE = 1000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Literal["ok", "note", "wrong"]
    text: str
    hint: str = ""
    """The line to change."""


ACL_LINE = "ACL SETUSER …"
"""Stands for `redis_server.acl_line`, which depends on the settings."""

# What redis-py calls it, what it means, and what to do about it.
FAULTS = {
    "AuthenticationError": (
        "wants a password, or another one",
        "LOCATION = 'redis://:PASSWORD@host:6379/0' (or redis://USER:PASSWORD@…)",
    ),
    "TimeoutError": (
        "did not answer within {timeout:g} seconds",
        "Look at its load and its slow log (SLOWLOG GET); it must be near the site.",
    ),
    "ReadOnlyError": (
        "is a replica, which takes no writes",
        "Name the primary first in LOCATION, or use Sentinel.",
    ),
    "OutOfMemoryError": (
        "is full",
        "In redis.conf: maxmemory, with room for the gate's records.",
    ),
    "NoPermissionError": (
        "does not permit what the gate does",
        ACL_LINE,
    ),
    "ResponseError": (
        "refuses what the gate does",
        "The gate needs Redis 5 or newer with EVAL; its log says what it refused.",
    ),
    "RedisClusterException": (
        "has no cluster node that answers",
        "Start its nodes, or name others in LOCATION; a single server wants no CONNECTION_FACTORY.",
    ),
    "ConnectionError": (
        "cannot be reached",
        "Start redis-server, or change LOCATION in CACHES to where it is.",
    ),
}


REFUSED_IN_SCRIPT = ("ACL failure in script", "The user executing the script can't")
"""What Redis says where a right is missing inside a script; to redis-py that is any error."""


def examine() -> Iterator[Finding]:
    """Look at everything that can be looked at without troubling anybody."""
    yield from settings_of_the_site()
    yield from before_the_gate()
    for fault in (fault_of_site(), fault_of_files()):
        if fault is not None:
            yield Finding("wrong", *fault)
    config, _ = conf.read_settings()
    if config is None:
        yield Finding("note", "Redis was not asked: OTP_GATE does not say which it is.")
        return
    yield from redis()
    yield sessions()


def settings_of_the_site() -> Iterator[Finding]:
    """Run each system check of the gate."""
    for name, check in checks.CHECKS.items():
        try:
            messages = [message for message in check(None) if not message.is_silenced()]
        except Exception as error:  # a module of the project may raise anything
            hint = "manage.py check shows where."
            yield Finding("wrong", f"{name}: raises {type(error).__name__}", hint)
            continue
        if not messages:
            yield Finding("ok", name)
        for message in messages:
            yield Finding("wrong", f"{message.msg} ({message.id})", message.hint or "")


def before_the_gate() -> Iterator[Finding]:
    """Name what knows the user before the gate does: it may send people round in a ring."""
    names = list(settings.MIDDLEWARE)
    if AUTH in names and GATE in names:
        between = names[names.index(AUTH) : names.index(GATE)]
        own = [name for name in between if not name.startswith("django.")]
        if own:
            yield Finding(
                "note",
                f"These see a user who has typed in no code yet: {', '.join(own)}",
                "What sends people elsewhere (a new password is due, terms to accept) stands "
                f"behind the gate, or leaves {page_url('verify')} and what is below it alone.",
            )


def redis() -> Iterator[Finding]:
    """Ask the Redis of the gate whether it can be trusted with codes and counters."""
    if is_in_process(conf.gate_config().cache):
        yield Finding(
            "note",
            "This Redis is a part of this process, as is right for a test or a demo: all that "
            "follows is about it",
        )
    try:
        yield realm()
        where = store.address()
        probe()  # The first call opens the connection, and loads the script.
        start = time.time()
        clock = probe()
        end = time.time()
    except StoreUnavailable as error:
        yield unavailable(error)
        return
    took = f"{(end - start) * 1000:.1f} ms"
    yield Finding("ok", f"Redis answers{' at ' if where else ''}{where}, in {took}")
    yield Finding("ok", "Redis runs the gate's scripts (EVALSHA), and keeps what they write")
    yield drift(clock, start, end)
    try:
        information = redis_server.information()
    except StoreUnavailable as error:
        yield Finding(
            "note",
            f"Redis runs scripts, but INFO is not answered: {error}. A proxy may close on it",
            "Ask the server itself: CONFIG GET maxmemory-policy must be noeviction.",
        )
        return
    yield eviction(information)
    yield from persistence(information)


def realm() -> Finding:
    """Say of which site or tenant the keys are that this command reads."""
    one = "" if realms.is_fixed() else ", the one of this process; KEY_FUNCTION may make others"
    return Finding("ok", f"Realm: {realms.shown()}{one}")


def probe() -> float:
    """Write and read one key; return the server's clock."""
    text = codes.new_attempt()
    key = store.site_key(f"doctor-{text}")
    answer = store.run(scripts.PROBE, [key], [text, PROBE_LIFE])
    with understood():
        read, seconds, micros = answer
        clock = int(seconds) + int(micros) / 1_000_000
    if read != text:
        raise StoreUnavailable("Redis (another answer than was written)")
    return clock


def unavailable(error: StoreUnavailable) -> Finding:
    """Say which fault it is, in words."""
    cause: Any = error.__cause__
    names = [base.__name__ for base in type(cause).__mro__] if cause is not None else []
    if any(words in str(cause) for words in REFUSED_IN_SCRIPT):
        names = ["NoPermissionError"]
    where = ""
    with suppress(StoreUnavailable, ImportError):
        where = store.address()
    for name, (meaning, hint) in FAULTS.items():
        if name in names:
            at = f" at {where}" if where else ""
            meaning = meaning.format(timeout=conf.gate_config().redis_timeout)
            line = redis_server.acl_line() if hint == ACL_LINE else hint
            return Finding("wrong", f"Redis{at} {meaning} ({type(cause).__name__})", line)
    # Of a StoreUnavailable the gate itself wrote the text.
    return Finding("wrong", f"No codes can be kept: {error}", "CACHES")


def drift(clock: float, start: float, end: float) -> Finding:
    """Hold Redis's clock against this process's."""
    # Anywhere within the round trip it may have been read.
    difference = max(0.0, clock - end, start - clock)
    if difference > MAX_DRIFT:
        return Finding(
            "wrong",
            f"The clocks of Redis and of this process differ by {difference:.0f} seconds",
            "Run a time service (chrony, systemd-timesyncd) on both machines.",
        )
    return Finding("ok", "The clocks of Redis and of this process agree")


def eviction(information: dict[str, Any]) -> Finding:
    """Say whether Redis may delete a counter to make room."""
    if "maxmemory_policy" not in information:
        return Finding(
            "note",
            "Redis does not say what it evicts (INFO and CONFIG are forbidden)",
            "It must be: maxmemory-policy noeviction",
        )
    if risk := redis_server.eviction_risk(information):
        return Finding("wrong", risk, redis_server.POLICY_HINT)
    return Finding("ok", "Redis evicts nothing (maxmemory-policy noeviction)")


def persistence(information: dict[str, Any]) -> Iterator[Finding]:
    """Say what a restart of Redis would cost."""
    if information.get("evicted_keys"):
        yield Finding("note", f"Redis has evicted {information['evicted_keys']} keys so far")
    if "aof_enabled" in information and not information["aof_enabled"]:
        yield Finding(
            "note",
            "Redis writes no log of changes: a restart forgets wrong answers and locks since the "
            "last snapshot, if it takes any",
            "In redis.conf: appendonly yes",
        )


def sessions() -> Finding:
    """Ask the session engine for a session that is not there."""
    engine = settings.SESSION_ENGINE
    try:
        import_string(f"{engine}.SessionStore")().exists(codes.new_nonce())
    except Exception as error:  # an engine may raise anything
        return Finding(
            "wrong",
            f"The sessions ({engine}) cannot be read: {type(error).__name__}",
            "manage.py migrate, and what SESSION_ENGINE and DATABASES or CACHES name",
        )
    return Finding("ok", f"The sessions can be read ({engine})")


def deliver(user: Any) -> Finding:
    """Send a message as a person would get it, with a code that opens nothing."""
    config = conf.gate_config()
    usable = [factor for factor in config.factors if not factor.missing(user)]
    if not usable:
        lacking = " or ".join(factor.missing(user) for factor in config.factors)
        return Finding("wrong", f"Nothing can be sent to this user, who lacks {lacking}", "FACTORS")
    factor = usable[0]
    if not hasattr(type(factor), "deliver"):
        return Finding("note", f"The factor {factor.id!r} sends nothing")
    try:
        factor.deliver.send(
            Message(
                user=user,
                destination=factor.destination(user),
                code="0" * config.code_length,
                reference=codes.new_references()[:2],
                expires_in=config.code_ttl,
                letterhead=Letterhead(site_name="otp_gate doctor", domain=domain()),
            )
        )
    except Exception as error:  # a delivery may raise anything
        return Finding(
            "wrong",
            f"Not delivered by {factor.id}: {type(error).__name__}",
            "The settings of that delivery (for email: EMAIL_HOST and its like, or MAILERS)",
        )
    return Finding("ok", f"Handed over by {factor.id} for {factor.masked(user)}: is it there?")


def domain() -> str:
    """Return a host of this site, there being no request to say it."""
    if apps.is_installed("django.contrib.sites"):
        return str(get_current_site(None).domain)
    plain = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return plain[0] if plain else "localhost"
