"""Codes, and the digests under which they are kept. No clock, no network.

Each digest holds the realm in force (see `realms`), so that what one site or tenant made compares
equal to nothing of another one, whatever keys, ids and codes they have in common.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import unicodedata
from functools import cache
from hashlib import sha256

from django.conf import settings
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables

# Nothing longer is looked at: what a person types or pastes is shorter.
MAX_TYPED = 64

# No I, O, 0, 1: a reference is read aloud and compared by eye.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
FIGURES = "23456789"

REFERENCES = [letter + figure for letter in LETTERS for figure in FIGURES]

# Invisible marks that come along with a copied code (joiners, directions).
IGNORED_CATEGORIES = frozenset({"Pd", "Cf"})


def make_code(length: int) -> str:
    """Return a one-time code of `length` decimal digits (RFC 4226).

    HOTP over a fresh 160-bit secret (RFC 4226 section 4, R6) that is forgotten at once. Not TOTP:
    its time steps would cut a code's life short by up to a step, whenever it is asked for late
    in one. The secret comes from `secrets`, as pyotp's own does, without its character loop.
    """
    import pyotp  # By whoever sends a code first: a worker that only serves pages needs none.

    secret = base64.b32encode(secrets.token_bytes(20)).decode("ascii")
    return pyotp.HOTP(secret, digits=length).at(0)


@sensitive_variables()
def normalise(typed: object, length: int) -> str | None:
    """Return the `length` ASCII digits that a person meant, or None.

    Forgives blanks, dashes, invisible marks and decimal digits of any script (full-width,
    Arabic-Indic…). Everything else, also a superscript, a list or a number, is no code.
    """
    if not isinstance(typed, str) or len(typed) > MAX_TYPED:
        return None
    digits = []
    for character in typed:
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            digits.append(str(digit))
        elif not character.isspace() and (
            unicodedata.category(character) not in IGNORED_CATEGORIES
        ):
            return None
    return "".join(digits) if len(digits) == length else None


def spaced(code: str) -> str:
    """Return the code in groups, as people read it: 123 456, 1234 5678."""
    half = (len(code) + 1) // 2
    return f"{code[:half]} {code[half:]}"


def new_nonce() -> str:
    """Return the random name of a half-authenticated session: 128 bit (ASVS 11.5.1)."""
    return secrets.token_urlsafe(16)


def new_attempt() -> str:
    """Return the id of one call, by which a repeated one is recognised: 8 characters, 48 bit."""
    return secrets.token_urlsafe(6)


def new_references() -> str:
    """Return eight code references ("K7F3…"), two characters each, to choose a fresh one from."""
    picks = memoryview(secrets.token_bytes(16)).cast("H")
    # Not quite even over 192 references, and no matter: a reference is no secret.
    return "".join([REFERENCES[pick % len(REFERENCES)] for pick in picks])


def realm_in_force() -> str:
    """Return the realm, for a caller that makes several digests. Raises as `realms.realm`."""
    from otp_gate import realms  # By the worker that makes a digest: most serve pages only.

    return realms.realm()


def _digest(purpose: str, value: str, size: int, realm: str | None = None) -> str:
    """Return a keyed digest of a value and of a realm, the one in force if none is given.

    The length stands before the realm, so that no two pairs of realm and value give the same text.

    Raises:
        StoreUnavailable: the cache of the gate makes no usable key (see `realms.realm`).
    """
    if realm is None:
        realm = realm_in_force()
    text = f"{len(realm)}:{realm}{value}"
    mac = hmac.digest(_key(purpose, settings.SECRET_KEY), text.encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:size]).decode("ascii")


@cache
def _key(purpose: str, secret: str | bytes) -> bytes:
    """Return the key that Django's `salted_hmac` derives, once: each call needs four or five."""
    return sha256(f"otp_gate.{purpose}".encode() + force_bytes(secret)).digest()


def user_digest(user_id: str, realm: str | None = None) -> str:
    """Return the name under which a user's record is kept: 96 bit, keyed, not reversible."""
    return _digest("user", user_id, 12, realm)


def nonce_digest(nonce: str, realm: str | None = None) -> str:
    """Return the tag of a half-authenticated session inside its user's record: 8 characters.

    48 bit name at most a few dozen challenges of one user; what binds a code to its session is
    `code_digest`, which takes the whole nonce.
    """
    return _digest("nonce", nonce, 6, realm)


@sensitive_variables()
def code_digest(user_id: str, nonce: str, code: str, realm: str | None = None) -> str:
    """Return the keyed digest of a code, bound to one user and one half-authenticated session.

    The lengths stand before the parts, so that no two triples give the same text.
    """
    value = f"{len(user_id)}:{user_id}{len(nonce)}:{nonce}{code}"
    return _digest("code", value, 12, realm)


@sensitive_variables()
def operator_digest(user_id: str, code: str, realm: str | None = None) -> str:
    """Return the keyed digest of a code that an operator reads out, bound to one user.

    To no session: which one its owner will type it into is not known. The record lets it open one.
    """
    return _digest("operator", f"{len(user_id)}:{user_id}{code}", 12, realm)


def credential_digest(password: str, realm: str | None = None) -> str:
    """Return a digest of the stored password hash: it changes when the password does."""
    return _digest("credential", password, 6, realm)


def destination_digest(factor: str, destination: str, realm: str | None = None) -> str:
    """Return the name of an address or number: 48 bit, keyed, the same for all its users.

    Letters of an address in either case reach one mailbox.
    """
    value = f"{factor}:{destination.strip().casefold()}"
    return _digest("destination", value, 6, realm)


def new_token() -> str:
    """Return an unguessable one-time name: 128 bit (ASVS 11.5.1)."""
    return secrets.token_urlsafe(16)


def new_key() -> str:
    """Return a secret that only a session holds, for one saved request (`seals`): 256 bit."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return the name under which what belongs to a token is kept."""
    return _digest("token", token, 12)
