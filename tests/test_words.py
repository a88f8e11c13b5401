"""`lang` and `dir` name the language of the words that are shown: in pages and in mails."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

from otp_gate import words
from tests.helpers import DISOWN, VERIFY, wrong_code

LOCALES = Path(str(words.__file__)).parent / "locale"


@pytest.fixture
def speaking(settings: Any) -> Any:
    """A site in the language of the browser."""
    settings.MIDDLEWARE = [
        name if not name.endswith("CommonMiddleware") else LOCALE for name in settings.MIDDLEWARE
    ]
    settings.OTP_GATE = {"FAILURES": {"lock_after": 1}}
    return settings


LOCALE = "django.middleware.locale.LocaleMiddleware"


def tags(*documents: str) -> set[str]:
    """Return the opening tags of documents."""
    return {re.search("<html[^>]*>", document)[0] for document in documents}  # type: ignore[index]


def tag(code: str, direction: str = "ltr") -> set[str]:
    return {f'<html lang="{code}" dir="{direction}">'}


def html_of(message: Any) -> str:
    return str(message.alternatives[0][0])


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("it", "en"),
        ("ar", "en"),
        ("he", "en"),
        ("de", "de"),
        ("es-mx", "es-mx"),
        ("en-gb", "en-gb"),
    ],
)
def test_pages_and_mails_name_language_of_their_words(
    speaking: Any, half: Client, wanted: str, shown: str
) -> None:
    """Both mails, the page, the page with an error, the link of the mail."""
    headers = {"accept-language": wanted}
    pages = [
        half.get(VERIFY, headers=headers),
        half.post(VERIFY, {"code": wrong_code()}, headers=headers),
        half.get(DISOWN, {"token": "no"}, headers=headers),
    ]
    assert len(mail.outbox) == 2
    documents = [page.content.decode() for page in pages] + [html_of(m) for m in mail.outbox]
    assert tags(*documents) == tag(shown)


@pytest.mark.parametrize("headers", [{"x-up-version": "3"}, {"x-turbo-request-id": "1"}])
def test_small_pages_name_it_as_well(speaking: Any, half: Client, headers: Any) -> None:
    """What Turbo and Unpoly are answered."""
    page = half.get(VERIFY, headers={**headers, "accept-language": "ar"})
    assert tags(page.content.decode()) == tag("en")


def test_page_of_a_fault_names_it_as_well(speaking: Any, half: Client, no_redis: None) -> None:
    """Without a request, too."""
    page = half.get(VERIFY, headers={"accept-language": "he"})
    assert page.status_code == 503
    assert tags(page.content.decode()) == tag("en")


def test_words_of_default_language_are_named(speaking: Any, half: Client) -> None:
    """Django falls back to LANGUAGE_CODE before it falls back to English."""
    speaking.LANGUAGE_CODE = "de"
    clear_catalogues()
    page = half.get(VERIFY, headers={"accept-language": "ar"}).content.decode()
    speaking.LANGUAGE_CODE = "en-us"
    clear_catalogues()
    assert "Geben Sie Ihren Code ein" in page
    assert tags(page) == tag("de")


def test_catalogue_of_the_project_speaks(speaking: Any, half: Client, tmp_path: Path) -> None:
    """An Arabic one: from right to left."""
    folder = tmp_path / "ar" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(compiled(words.SENTENCES[0], "هذه الصفحة محمية"))
    speaking.LOCALE_PATHS = [str(tmp_path)]
    clear_catalogues()
    page = half.get(VERIFY, headers={"accept-language": "ar"}).content.decode()
    speaking.LOCALE_PATHS = []
    clear_catalogues()
    assert tags(page) == tag("ar", "rtl")


def compiled(sentence: str, translated: str) -> bytes:
    """Return a catalogue of one sentence, as gettext reads it (the GNU MO format)."""
    head = "Content-Type: text/plain; charset=UTF-8\n"
    pairs = [("", head), (sentence, translated)]
    sizes, texts, start = b"", b"", 28 + 16 * len(pairs)
    for text in [pair[0] for pair in pairs] + [pair[1] for pair in pairs]:
        raw = text.encode()
        sizes += struct.pack("<II", len(raw), start + len(texts))
        texts += raw + b"\0"
    header = (0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return struct.pack("<7I", *header) + sizes + texts


def clear_catalogues() -> None:
    """Let Django read its catalogues anew, as a new process does."""
    trans_real._translations.clear()
    trans_real._default = None
    translation.activate(translation.get_language() or "en")


def test_without_a_language_words_are_english() -> None:
    """`deactivate_all`: the words of the code."""
    with translation.override(None):
        assert words.spoken() == ("en", "ltr")


@pytest.mark.parametrize("sentence", words.SENTENCES)
def test_sentences_are_in_each_catalogue(sentence: str) -> None:
    """Otherwise that language would be taken for English."""
    for folder in LOCALES.iterdir():
        with translation.override(folder.name):
            assert translation.gettext(sentence) != sentence
