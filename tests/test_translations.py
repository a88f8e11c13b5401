"""The words that come along: complete, compiled, and in the language that the reader asked for."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.translation.template import templatize

from tests.helpers import RESEND, VERIFY, last_code, log_in

pytestmark = pytest.mark.once

PACKAGE = Path(__file__).parent.parent / "otp_gate"
LANGUAGES = ("de", "es", "fr")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|</?\w+")

TEXT = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(n?p?gettext)\({TEXT}(?:, ?{TEXT})?")
PLAIN, NUMBER, CONTEXT = {"_", "gettext", "gettext_lazy"}, {"ngettext"}, {"pgettext"}


def catalog(language: str) -> dict[Any, str]:
    path = PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined, no-any-return]


def in_templates() -> Iterator[str]:
    for path in (PACKAGE / "templates").rglob("*.*"):
        for name, first, second in CALL.findall(templatize(path.read_text("utf-8"))):
            texts = [ast.literal_eval(text) for text in (first, second) if text]
            yield "\x04".join(texts[:2]) if "pg" in name else texts[0]


def in_modules() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            name = node.func.id.removesuffix("_lazy")
            if name not in PLAIN | NUMBER | CONTEXT:
                continue
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            yield "\x04".join(texts[:2]) if name in CONTEXT else texts[0]


def messages() -> set[str]:
    """Return every text that the package asks a translation for, as xgettext would find it."""
    return {*in_templates(), *in_modules()}


def test_there_is_something_to_translate() -> None:
    """Had the search gone blind, the tests below would be content with anything."""
    found = messages()
    assert {"One-time password", "One-time password has expired"} <= {
        message.split("\x04")[-1] for message in found
    }
    assert len(found) > 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    """None is missing, none is left over from words that are gone, and none is empty."""
    found = {
        key[0] if isinstance(key, tuple) else key: text for key, text in catalog(language).items()
    }
    found.pop("")
    assert set(found) == messages()
    assert "" not in found.values()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_loses_a_placeholder(language: str) -> None:
    """A site name, a number of seconds and the markup are where the original has them."""
    for key, text in catalog(language).items():
        original = key[0] if isinstance(key, tuple) else key
        if original and not isinstance(key, tuple):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(original)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_was_written(language: str) -> None:
    """Nobody forgot `make messages`, and no guess of a tool went unseen."""
    path = PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"
    text = path.read_text("utf-8")
    assert "#, fuzzy" not in text
    assert dict(written(text)) == {key: value for key, value in catalog(language).items() if key}


def written(text: str) -> Iterator[tuple[Any, str]]:
    """Give the entries of a .po file as the compiled catalog has them."""
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        parts: dict[str, str] = {}
        last = ""
        for name, quoted in re.findall(r'^(\w+(?:\[\d\])?)?\s*(".*")$', "\n".join(lines), re.M):
            last = name or last
            parts[last] = parts.get(last, "") + ast.literal_eval(quoted)
        key = parts.pop("msgid", "")
        if not key:
            continue
        if "msgctxt" in parts:
            key = f"{parts['msgctxt']}\x04{key}"
        for name, value in parts.items():
            if name == "msgstr":
                yield key, value
            elif number := re.match(r"msgstr\[(\d)\]", name):
                yield (key, int(number[1])), value


@pytest.fixture
def many_languages(settings: Any) -> None:
    """A site that speaks the reader's language."""
    settings.LANGUAGE_CODE = "en"
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("many_languages")
def test_the_page_and_the_mail_speak_the_readers_language(
    alice: Any, language: str, mailoutbox: list[Any]
) -> None:
    """The error, the mail and its subject: nothing of them is English."""
    client = Client(headers={"accept-language": language})
    log_in(client)
    words = catalog(language)
    client.get(VERIFY)
    page = client.post(VERIFY, {"code": "x"}).content.decode()
    assert f'<html lang="{language}"' in page
    assert words["Invalid one-time password"] in page
    assert "Invalid one-time password" not in page
    assert "Your one-time code" not in mailoutbox[0].subject
    assert "Never tell it" not in mailoutbox[0].body
    assert last_code() in mailoutbox[0].body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("many_languages")
def test_a_program_is_told_in_its_readers_language(alice: Any, language: str) -> None:
    """The title of a problem is for people; its code is for programs, and the same everywhere."""
    client = Client(headers={"accept-language": language, "accept": "application/json"})
    log_in(client)
    client.post(RESEND)
    problem = client.post(VERIFY, {"code": "000"}).json()
    assert problem["code"] == "invalid"
    assert problem["title"] == catalog(language)["Invalid one-time password"]


@pytest.mark.usefixtures("many_languages")
def test_a_language_that_is_not_spoken_gets_english(alice: Any) -> None:
    """Rather than half of one and half of another."""
    client = Client(headers={"accept-language": "tlh"})
    log_in(client)
    assert "One-time password" in client.get(VERIFY).content.decode()
