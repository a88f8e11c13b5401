"""Codes and digests: what is made, what is forgiven, what binds a code to its login."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.test import Client
from django.test.utils import override_settings

from otp_gate import codes
from tests.browsers import number_on
from tests.helpers import VERIFY, open_page


def in_digits(code: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in code)


ZEROS = {
    "full-width": "\N{FULLWIDTH DIGIT ZERO}",
    "Arabic-Indic": "\N{ARABIC-INDIC DIGIT ZERO}",
    "Persian": "\N{EXTENDED ARABIC-INDIC DIGIT ZERO}",
    "Devanagari": "\N{DEVANAGARI DIGIT ZERO}",
    "Bengali": "\N{BENGALI DIGIT ZERO}",
    "Thai": "\N{THAI DIGIT ZERO}",
    "mathematical": "\N{MATHEMATICAL BOLD DIGIT ZERO}",
}


@pytest.mark.parametrize("zero", ZEROS.values(), ids=ZEROS)
def test_digits_of_every_script_are_read(half: Client, zero: str) -> None:
    """Keyboards of the world type other digits than ASCII ones."""
    assert half.post(VERIFY, {"code": in_digits(open_page(half), zero)}).status_code == 302


@pytest.mark.parametrize(
    "typed",
    ["{0} {1}", "{0}-{1}", " {0}{1}\t", "{0}\u2009{1}", "{0}\u00a0{1}", "{0}\u2013{1}", "{0}—{1}"]
    + ["\u202a{0}{1}\u202c", "{0}\u200d{1}", "\ufeff{0}{1}", "{0}{1}\r\n", "- {0} - {1} -"],
    ids=repr,
)
def test_what_comes_along_with_a_code_is_forgiven(half: Client, typed: str) -> None:
    """Spaces, dashes and invisible marks that a copy brings along are dropped."""
    code = open_page(half)
    answer = half.post(VERIFY, {"code": typed.format(code[:3], code[3:])})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    "typed",
    ["", " ", "{0}", "{0}{1}1", "{0}{1}\0", "{0}.{1}", "{0},{1}", "+{0}{1}", "0x{0}{1}", "{0}e{1}"]
    + ["{0}_{1}", "{0}{1}²", "²²²²²²", "ⅣⅤⅥⅣⅤⅥ", "①②③④⑤⑥", "一二三四五六", "{0}'{1}", "{0}\x7f{1}"]
    + ["code {0}{1}", "{0}{1}" + " " * 60, "0" * 1_000_000, "\ud800{0}{1}", "{{{0}{1}}}"],
    ids=lambda typed: repr(typed[:12]),
)
def test_everything_else_is_invalid_and_costs_no_attempt(half: Client, typed: str) -> None:
    """Nothing but the digits of a code is one; nothing is guessed into it."""
    code = open_page(half)
    text = typed.format(code[:3], code[3:]).encode("utf-8", "surrogatepass")
    fields = b"code=" + b"".join(b"%%%02x" % byte for byte in text[:100_000])
    answer = half.post(VERIFY, fields, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert "Invalid one-time password" in answer.content.decode()
    assert number_on(answer, "Attempts left") == 5


@pytest.mark.parametrize(
    "typed", [None, 123456, 1.5, True, ["123456"], {"a": 1}, b"123456"], ids=repr
)
def test_only_text_is_a_code(typed: object) -> None:
    """A number loses its leading zeros, a list is many guesses."""
    assert codes.normalise(typed, 6) is None


def test_leading_zeros_are_kept() -> None:
    """A code is text."""
    assert codes.normalise("000 042", 6) == "000042"


@pytest.mark.parametrize("length", range(6, 11))
def test_a_code_is_decimal_digits(length: int) -> None:
    """Every code has its full length, and every digit occurs at every place."""
    made = [codes.make_code(length) for _ in range(400)]
    assert all(re.fullmatch(rf"[0-9]{{{length}}}", code) for code in made)
    assert len(set(made)) > 390
    if length < 10:  # 31 bit of RFC 4226 do not fill the first of ten digits
        assert {(i, code[i]) for code in made for i in range(length)} == set(
            product(range(length), "0123456789")
        )


@pytest.mark.parametrize(
    ("code", "text"), [("123456", "123 456"), ("1234567", "1234 567"), ("12345678", "1234 5678")]
)
def test_a_code_is_read_in_groups(code: str, text: str) -> None:
    """People read and type groups; what is read is what may be typed."""
    assert codes.spaced(code) == text
    assert codes.normalise(text, len(code)) == code


def test_references_are_unmistakable() -> None:
    """Two characters each, and none that looks or sounds like another."""
    many = "".join(codes.new_references() for _ in range(100))
    assert len(many) == 1600
    assert set(many[::2]) <= set("ABCDEFGHJKLMNPQRSTUVWXYZ")
    assert set(many[1::2]) <= set("23456789")


def test_a_digest_is_bound_to_user_login_and_code() -> None:
    """Changing any part changes the digest; parts cannot lend each other characters."""
    triples = [("1", "23", "456789"), ("12", "3", "456789"), ("1", "2", "3456789")]
    triples += [
        ("1", "24", "456789"),
        ("1", "23", "456780"),
        ("", "123", "456789"),
        ("123", "", "456789"),
    ]
    assert len({codes.code_digest(*triple) for triple in triples}) == len(triples)


def test_digests_are_keyed() -> None:
    """Without SECRET_KEY nobody can try the million codes against a digest."""
    named = [codes.user_digest("1"), codes.nonce_digest("1"), codes.credential_digest("1")]
    named.append(codes.code_digest("1", "n", "123456"))
    with override_settings(SECRET_KEY="another"):
        others = [codes.user_digest("1"), codes.nonce_digest("1"), codes.credential_digest("1")]
        others.append(codes.code_digest("1", "n", "123456"))
    assert not set(named) & set(others)
    assert len({name[:8] for name in named}) == 4


def test_names_are_unguessable() -> None:
    """A nonce has 128 bit, and none comes twice."""
    nonces = {codes.new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert {len(nonce) for nonce in nonces} == {22}
    assert {len(codes.new_attempt()) for _ in range(100)} == {8}
