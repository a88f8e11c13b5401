"""Saved requests are unreadable without SECRET_KEY, the session and the context they belong to."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client, override_settings

from otp_gate import seals, store
from otp_gate.saved import Kept
from tests.clock import Clock
from tests.gates import assert_held
from tests.servers import ROOT, environment

CONTEXT = ["1", "testserver/pay/", "token"]
PASSWORD = "a new password"


def dump_of_redis() -> dict[str, Any]:
    client = store.client("default")
    readers = {"hash": client.hgetall, "zset": lambda key: client.zrange(key, 0, -1)}
    return {key: readers[client.type(key)](key) for key in client.scan_iter("*")}


@pytest.fixture
def waiting(verified: Client, clock: Clock) -> tuple[Kept, str]:
    """What the session and Redis hold of a form that waits for a code."""
    clock.advance(400)
    assert_held(verified.post("/pay/", {"password": PASSWORD}))
    kept = Kept.of(verified.session)
    assert kept is not None
    [fields] = [fields for key, fields in dump_of_redis().items() if key.endswith(":saved")]
    [sealed] = [value for field, value in fields.items() if field.startswith("r")]
    return kept, sealed


def opened(kept: Kept, sealed: str) -> bytes | None:
    return seals.unseal(sealed, kept.key, [kept.user_id, kept.place, kept.token])


def test_session_and_redis_together_do_not_open_a_form(waiting: tuple[Kept, str]) -> None:
    """Sessions may be stored in the same Redis: a dump of it holds both, and never SECRET_KEY."""
    with override_settings(SECRET_KEY="a guess"):
        assert opened(*waiting) is None
    assert PASSWORD.encode() in (opened(*waiting) or b"")


def test_redis_and_secret_key_together_do_not_open_a_form(waiting: tuple[Kept, str]) -> None:
    """Whoever has not the session reads nothing: its secret is in no place of Redis."""
    kept, sealed = waiting
    assert kept.key not in str(dump_of_redis())
    assert opened(kept._replace(key="a guess"), sealed) is None


def test_form_is_opened_with_an_earlier_secret_key(
    waiting: tuple[Kept, str], settings: Any
) -> None:
    """A rotation of SECRET_KEY by Django's SECRET_KEY_FALLBACKS loses no form."""
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["older", old]):
        assert PASSWORD.encode() in (opened(*waiting) or b"")


@pytest.mark.parametrize("part", range(3))
def test_content_is_bound_to_its_context(part: int) -> None:
    """User, place and token: what is sealed for one request does not open as another."""
    sealed = seals.seal(b"form", "secret", CONTEXT)
    assert seals.unseal(sealed, "secret", CONTEXT) == b"form"
    other = [*CONTEXT]
    other[part] += "x"
    assert seals.unseal(sealed, "secret", other) is None


def test_no_two_contexts_are_the_same() -> None:
    """Parts cannot be shifted into each other."""
    sealed = seals.seal(b"form", "secret", ["1", "2", "3"])
    assert seals.unseal(sealed, "secret", ["12", "", "3"]) is None


@pytest.mark.parametrize(
    "text", ["", "AAAA", "\u2014", "A" * 15, base64.b64encode(b"x" * 40).decode()]
)
def test_text_that_was_never_sealed_opens_to_nothing(text: str) -> None:
    """Too short, no base64, or random: None, and no exception."""
    assert seals.unseal(text, "secret", CONTEXT) is None


def test_every_changed_byte_is_noticed() -> None:
    """Nonce, text and tag."""
    raw = base64.b64decode(seals.seal(b"form", "secret", CONTEXT))
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert seals.unseal(base64.b64encode(changed).decode(), "secret", CONTEXT) is None


def test_two_seals_of_the_same_content_differ() -> None:
    """Each has a nonce of its own."""
    assert seals.seal(b"form", "secret", CONTEXT) != seals.seal(b"form", "secret", CONTEXT)


def test_surrogates_in_the_context_are_no_error() -> None:
    """A path may hold bytes that are no UTF-8."""
    context = ["1", "testserver/\udce9", "token"]
    assert seals.unseal(seals.seal(b"form", "secret", context), "secret", context) == b"form"


@pytest.mark.once
def test_the_cipher_is_imported_at_first_use() -> None:
    """A worker that never saves a request does not carry it (redis-py imports the bare package)."""
    source = "import sys, otp_gate.kept; sys.exit('cryptography.hazmat.primitives' in sys.modules)"
    program = f"import django; django.setup(); {source}"
    env = {**environment({}), "DJANGO_SETTINGS_MODULE": "tests.bad_projects.right"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, check=True)
