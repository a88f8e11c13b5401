"""Tags of the gate's own templates: `{% load otp_gate_pages %}`."""

from __future__ import annotations

from django import template

from otp_gate import page_files, words

register = template.Library()


@register.simple_tag
def gate_static(path: str) -> str:
    """Return the URL of a file of the gate; as `{% static %}`, and it never raises."""
    return page_files.url_of(path)


@register.simple_tag
def gate_language() -> words.Spoken:
    """Return the language of the gate's words: `code` for `lang`, `direction` for `dir`."""
    return words.spoken()
