"""The realm: the part of Redis, and of every digest, that belongs to one site or tenant.

The project says by its cache which keys belong together: KEY_PREFIX, VERSION and KEY_FUNCTION of
CACHES make each key, and a package for tenants puts the tenant into KEY_FUNCTION. The gate uses the
same function, so two sites or tenants on one Redis share no lock, no code and no counter although
each of them has a user 1. The realm is asked for at each call: a key function may look at the
tenant of the moment.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache, default_key_func

from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable

SPECIAL = "\\*?["
"""Characters that have a meaning in a pattern of Redis."""


def realm() -> str:
    """Return what the cache of the gate puts around a key at this moment. Connects to nothing.

    Raises:
        StoreUnavailable: the cache makes no key, or one with braces. So do all functions here.
    """
    return checked(made(""), "")


def shown() -> str:
    """Return the realm in force for a terminal, which obeys what stands in it."""
    now = realm()
    return now if now.isprintable() else repr(now)


def key(name: str) -> str:
    """Return the key of `name` in the realm in force.

    The first braces in it are those of `name`: Redis Cluster chooses the slot by them.
    """
    return checked(made(f"{gate_config().key_prefix}:{name}"), name)


def checked(text: str, name: str) -> str:
    """Return `text` if the cache has put no braces before `name` (none at all where it is "")."""
    if has_braces(text.partition(name)[0] if name else text):
        raise unusable("KEY_PREFIX or KEY_FUNCTION puts braces into them")
    return text


def around() -> str:
    """Return all that stands around the names in keys and digests at this moment."""
    return made("") + made(f"{gate_config().key_prefix}:")


def has_braces(text: str) -> bool:
    return "{" in text or "}" in text


def made(name: str) -> str:
    """Return the key that the cache makes of `name`, whatever its key function does."""
    found = cache()
    try:
        text = found.make_key(name)
    except Exception as error:  # a key function of the project may raise anything
        raise unusable(f"KEY_FUNCTION ({type(error).__name__})") from error
    if not isinstance(text, str):
        raise unusable("KEY_FUNCTION makes no text")
    return text


def cache() -> Any:
    """Return the cache of the gate as this thread or task has it; a project may change it."""
    alias = gate_config().cache
    entry = settings.CACHES.get(alias, {})
    if str(entry.get("BACKEND")).startswith("django_redis.") and not entry.get("LOCATION"):
        # Not made: an older django-redis would fail at the end of each request, when it is closed.
        raise unusable("there is no LOCATION")
    try:
        return caches[alias]
    except Exception as error:  # a backend of the project may raise anything
        raise unusable(type(error).__name__) from error


def unusable(why: str) -> StoreUnavailable:
    return StoreUnavailable(f"CACHES[{gate_config().cache!r}] makes no keys: {why}")


def is_fixed() -> bool:
    """True if the cache makes its keys as Django does: then all requests have one realm."""
    found = cache()
    return type(found).make_key is BaseCache.make_key and found.key_func is default_key_func


def pattern() -> str:
    """Return the pattern that all keys of the gate match, for an ACL of Redis.

    A key function of the project may answer otherwise for the next tenant: what it puts before
    the gate's own prefix is any text then.
    """
    prefix = f"{gate_config().key_prefix}:"
    made_now = made(prefix)
    if not is_fixed():
        return f"*{escaped(prefix)}*" if prefix in made_now else "*"
    return f"{escaped(made_now)}*"


def escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in SPECIAL else char for char in text)
