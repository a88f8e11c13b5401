"""Addresses of the gate's own pages and of LOGIN_URL, as they are at this moment."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.translation import get_language

logger = logging.getLogger("otp_gate")

CACHED = 256
"""Entries of a cache whose key holds the script prefix, which some servers take from a client."""


class Place(NamedTuple):
    """What decides which URL a name has, at this moment. Each look at one of them costs a µs."""

    root: str
    """ROOT_URLCONF."""
    urlconf: str | None
    """The URLconf in force."""
    prefix: str
    """The script prefix."""
    language: str | None


def place() -> Place:
    return Place(settings.ROOT_URLCONF, get_urlconf(), get_script_prefix(), get_language())


def page_url(name: str, at: Place | None = None) -> str | None:
    """Return the path of an own page, found in ROOT_URLCONF whatever URLconf is in force."""
    root, _urlconf, prefix, language = at or place()
    url = page_in(root, name, prefix, language)
    if url is None:
        logger.error('Add path("otp/", include("otp_gate.urls")) to %s', settings.ROOT_URLCONF)
    return url


@lru_cache(maxsize=CACHED)
def page_in(urlconf: str, name: str, script_prefix: str, language: str | None) -> str | None:
    """See `page_url`; under a script prefix, and in a language (`i18n_patterns`)."""
    try:
        return reverse(f"otp_gate:{name}", urlconf=urlconf)
    except NoReverseMatch:
        return None


@lru_cache(maxsize=CACHED)
def path_of(url: str) -> str:
    """Return the path of a URL as the server looks it up."""
    return unquote(urlsplit(url).path)


@lru_cache(maxsize=CACHED)
def with_next(url: str, target: str) -> str:
    """Return `url` with `?next=` where there is a target."""
    return f"{url}?{urlencode({REDIRECT_FIELD_NAME: target}, safe='/')}" if target else url


def settings_url(name: str, at: Place | None = None) -> str:
    """Resolve LOGIN_URL or the like; under a tenant's URLconf its name may not be known."""
    return resolved_in(at or place(), getattr(settings, name))


@lru_cache(maxsize=CACHED)
def resolved_in(at: Place, value: Any) -> str:
    """See `settings_url`, and `page_in`."""
    try:
        return str(resolve_url(value))
    except NoReverseMatch:
        try:
            return reverse(value, urlconf=at.root)
        except NoReverseMatch:
            return "/"
