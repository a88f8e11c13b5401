"""Every address of a project: the resolver, walked, with something in place of each parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

WORDS = ("1", "a", "en", "00000000-0000-0000-0000-000000000001", "MQ", "a/b", "auth", "2026", "")
"""Tried in this order, until the address leads to the view."""


def addresses(samples: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return an address for each pattern of the URLconf, and the patterns that none leads to."""
    from django.urls import get_resolver

    found, missed = {}, []
    for pattern, shape in walk(get_resolver(), ""):
        path = filled(pattern, shape, samples)
        if path is None:
            missed.append(str(pattern.pattern))
        else:
            found[path] = None
    return list(found), missed


def walk(resolver: Any, prefix: str) -> Iterator[tuple[Any, tuple[str, list[str]]]]:
    from django.urls import URLResolver
    from django.urls.resolvers import LocalePrefixPattern
    from django.utils.regex_helper import normalize

    for item in resolver.url_patterns:
        if isinstance(item.pattern, LocalePrefixPattern):
            shapes = [(item.pattern.language_prefix, [])]
        else:
            shapes = list(normalize(item.pattern.regex.pattern))[:1]
        for form, names in shapes:
            if isinstance(item, URLResolver):
                for pattern, (rest, more) in walk(item, ""):
                    yield pattern, (prefix + form + rest, [*names, *more])
            else:
                yield item, (prefix + form, list(names))


def filled(pattern: Any, shape: tuple[str, list[str]], samples: Mapping[str, str]) -> str | None:
    """Return an address that leads to the view of this pattern, or None."""
    from django.urls import Resolver404, resolve

    form, names = shape
    names = list(dict.fromkeys(names))
    choices = [[samples[name]] if name in samples else WORDS for name in names]
    for values in islice(product(*choices), 2000):
        path = "/" + form % dict(zip(names, values, strict=True))
        try:
            match = resolve(path)
        except (Resolver404, ValueError):
            continue
        if match.func is pattern.callback:
            return path
    return None
