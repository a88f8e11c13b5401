"""Saved requests in Redis: encrypted, counted for the whole site, and taken out once.

`kept` decides which request is saved and when it goes on; `seals` encrypts it.
"""

from __future__ import annotations

import logging

from django.views.decorators.debug import sensitive_variables

from otp_gate import codes, scripts, seals, store
from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable

logger = logging.getLogger("otp_gate")

PER_USER = 4
"""Saved requests of one user, over all sessions; the oldest makes room for a new one."""

PER_SITE = 2_000
"""Saved requests of the whole site; one more is not saved, and its user is told so."""

BYTES_PER_SITE = 64_000_000
"""Bytes of all saved requests of the site, as they are stored: encrypted, in base64 (64 MB).

Without this bound, some dozens of accounts whose password is known fill the Redis that holds the
codes and limits of all users.
"""


@sensitive_variables()
def save(packed: bytes, user_id: str, place: str, token: str, key: str) -> bool:
    """Store a packed request for PENDING_TTL; return False where that fails or there is no room.

    Args:
        packed: see `bodies.pack`.
        user_id: whose request it is.
        place: host and path of the request.
        token: its unguessable name.
        key: the secret that the session keeps for it.
    """
    try:
        saved = store.run(
            scripts.KEEP,
            site_keys(),
            [
                codes.token_digest(token),
                seals.seal(packed, key, [user_id, place, token]),
                gate_config().pending_ttl * 1000,
                codes.user_digest(user_id),
                *(PER_USER, PER_SITE, BYTES_PER_SITE),
            ],
            alias(),
        )
    except (StoreUnavailable, ImportError) as error:
        # ImportError: `cryptography` refuses to be imported in a second interpreter of one process.
        logger.error("Not kept: %s", error)
        return False
    if not saved:
        logger.warning("Not kept: the saved requests of the site have reached their limit")
    return bool(saved)


@sensitive_variables()
def take(user_id: str, place: str, token: str, key: str) -> bytes | None:
    """Return a saved request and remove it; None if it is gone, was taken, or cannot be decrypted.

    Raises:
        StoreUnavailable: Redis did not answer; it may still be there.
    """
    sealed = store.run(scripts.TAKE, site_keys(), [codes.token_digest(token)], alias())
    if not isinstance(sealed, str) or not sealed:
        return None
    return seals.unseal(sealed, key, [user_id, place, token])


def remove(token: str) -> None:
    """Delete a saved request.

    Raises:
        StoreUnavailable: Redis did not answer; the request expires there by itself.
    """
    store.run(scripts.DROP, site_keys(), [codes.token_digest(token)], alias())


def site_keys() -> list[str]:
    """Return the names of the two keys that hold all saved requests; see `lua/saved.lua`."""
    return [store.site_key("saved"), store.site_key("saved_until")]


def alias() -> str:
    """Return the alias in CACHES where saved requests are stored."""
    config = gate_config()
    return config.saved_requests_cache or config.cache
