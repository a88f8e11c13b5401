"""The language that the gate's own words are really in, and its direction.

A site may speak a language in which the gate has no words. They are then English, or those of
LANGUAGE_CODE, and a screen reader must not read them in the voice of the language that was wanted.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.utils.translation import get_language, gettext, override

SENTENCES = (
    "This page is specially protected.",
    "To protect your account, no codes are checked at the moment.",
)
"""Sentences of the gate that no other app has. A catalogue that translates one of them speaks."""

ENGLISH = "en"
"""The language of the sentences in the code."""


class Spoken(NamedTuple):
    """A language, as HTML names it."""

    code: str
    direction: str
    """`"ltr"` or `"rtl"`."""


def spoken() -> Spoken:
    """Return the language of the words that are shown now."""
    code = language_of_words(get_language() or ENGLISH, settings.LANGUAGE_CODE)
    return Spoken(code, "rtl" if base(code) in settings.LANGUAGES_BIDI else "ltr")


def language_of_words(active: str, default: str) -> str:
    """Return the code of that language: the active one, the default that Django falls back to, or
    English.
    """
    shown = translated()
    if shown == SENTENCES:
        return active if base(active) == ENGLISH else ENGLISH
    if base(active) != base(default):
        with override(default):
            if translated() == shown:
                return default
    return active


def translated() -> tuple[str, ...]:
    return tuple(map(gettext, SENTENCES))


def base(code: str) -> str:
    """Return a language code without its region."""
    return code.partition("-")[0].lower()
