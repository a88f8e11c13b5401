"""Encrypt saved requests: what Redis stores is unreadable without SECRET_KEY and the session.

AES-256-GCM of `cryptography` (NIST SP 800-38D). The key is derived from SECRET_KEY and a secret
that only the session holds (HKDF, RFC 5869). Sessions may be stored in the same Redis: a dump of it
then holds the session's secret too, but never SECRET_KEY.

`cryptography` is imported at first use: most worker processes never save a request.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables

NONCE_BYTES = 12
"""Bytes of the random nonce (NIST SP 800-38D, section 8.2.2). Each key encrypts one request."""

PURPOSE = b"otp_gate.saved_request"


@sensitive_variables()
def seal(content: bytes, session_secret: str, context: Sequence[str]) -> str:
    """Encrypt `content` with a key of this site and this session; return ASCII text.

    Args:
        content: the bytes to encrypt.
        session_secret: 256 random bits that only the session holds, made for this content alone.
        context: what the content belongs to (user, place, token). It is authenticated and not
            stored: `unseal` returns None unless it is given the same context.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    key = derive_key(session_secret, settings.SECRET_KEY)
    sealed = AESGCM(key).encrypt(nonce, content, associated_data(context))
    return base64.b64encode(nonce + sealed).decode("ascii")


@sensitive_variables()
def unseal(sealed: str, session_secret: str, context: Sequence[str]) -> bytes | None:
    """Decrypt what `seal` returned, with SECRET_KEY or one of SECRET_KEY_FALLBACKS.

    Returns None if the text was changed, or belongs to another key, session or context.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(sealed, validate=True)
    except ValueError:
        return None
    nonce, encrypted = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
    for site_secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            key = derive_key(session_secret, site_secret)
            return AESGCM(key).decrypt(nonce, encrypted, associated_data(context))
        except (InvalidTag, ValueError):  # ValueError: the text is too short to hold a nonce.
            continue
    return None


@sensitive_variables()
def derive_key(session_secret: str, site_secret: str | bytes) -> bytes:
    """Return the 256-bit key of one saved request (HKDF with SHA-256)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    # The session's secret has a fixed length, so no other pair gives the same bytes.
    material = session_secret.encode() + force_bytes(site_secret)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(material)


def associated_data(context: Sequence[str]) -> bytes:
    """Return the context as bytes. Lengths come first, so that no two contexts give the same."""
    return "".join(f"{len(part)}:{part}" for part in context).encode("utf-8", "surrogatepass")
