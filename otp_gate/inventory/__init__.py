"""Every pattern of the URLconf, and whether the gate holds it: for `manage.py otp_gate urls`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from otp_gate.conf import GateConfig
from otp_gate.django_internals import is_translated
from otp_gate.exemptions import exemption_of, is_own, naming
from otp_gate.inventory.credentials import bypass

Status = Literal["gated", "exempt", "bypasses"]
Reach = Literal["whole", "part", "none"]

LANGUAGE = "<language>/"
"""Stands for the first segment of `i18n_patterns`."""

# What a converter of Django's may hold has no slash; of any other nobody knows.
WITHIN_A_SEGMENT = {
    "str": r"[^/]+",
    "int": r"[0-9]+",
    "slug": r"[-a-zA-Z0-9_]+",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
}
CONVERTER = re.compile(r"<(?:(\w+):)?\w+>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One pattern of the URLconf."""

    path: str
    name: str
    """With its namespaces; "" if it has none."""
    status: Status
    why: str
    match: ResolverMatch
    built_in: bool = False
    """Open by itself: a page of the gate, or Django's own view of static files."""

    @property
    def is_open(self) -> bool:
        """True if somebody who has only a password gets something here."""
        return self.status != "gated" and not self.built_in


def entries(config: GateConfig) -> list[Entry]:
    """Return every pattern of ROOT_URLCONF, in its order."""
    return [judge(parts, match, config) for parts, match in walk(get_resolver(), (), (), ())]


def walk(
    resolver: URLResolver, parts: tuple[Any, ...], spaces: tuple[str, ...], apps: tuple[str, ...]
) -> Iterator[tuple[tuple[Any, ...], ResolverMatch]]:
    """Give the patterns that lead to each view, and what resolving such a path would give."""
    for item in resolver.url_patterns:
        further = (*parts, item.pattern)
        if isinstance(item, URLPattern):
            match = ResolverMatch(
                item.callback, (), {}, url_name=item.name, app_names=[*apps], namespaces=[*spaces]
            )
            yield further, match
        else:
            yield from walk(
                item,
                further,
                (*spaces, *filter(None, [item.namespace])),
                (*apps, *filter(None, [item.app_name])),
            )


def judge(parts: Sequence[Any], match: ResolverMatch, config: GateConfig) -> Entry:
    """Say of one pattern what the gate would do, and why."""
    built_in = ""
    if is_own(match.func):
        built_in = "page of the gate"
    elif match.func is serve_static:
        built_in = "static files in development"
    opened = built_in or exemption(parts, match, config)
    passed_by = bypass(match.func)
    status: Status = "bypasses" if passed_by else "exempt" if opened else "gated"
    return Entry(
        path=shown(parts),
        name=match.view_name if match.url_name is not None else "",
        status=status,
        why=", ".join(filter(None, [passed_by, opened])),
        match=match,
        built_in=bool(built_in),
    )


def exemption(parts: Sequence[Any], match: ResolverMatch, config: GateConfig) -> str:
    """Name what exempts this view; "" if nothing does."""
    mark = exemption_of(match.func)
    if mark is not None:
        return "@otp_exempt" + ("(reveal_user=True)" if mark == "reveal" else "")
    name = naming(match, config.exempt_views)
    if name is not None:
        return f"EXEMPT_VIEWS {name}"
    for prefix in config.exempt_paths:
        under = reach(parts, prefix)
        if under != "none":
            return f"EXEMPT_PATHS {prefix}" + (" (in part)" if under == "part" else "")
    return ""


def shown(parts: Sequence[Any]) -> str:
    """Return the path as a reader of the URLconf would write it down."""
    texts = [
        LANGUAGE if isinstance(part, LocalePrefixPattern) else str(part).removeprefix("^")
        for part in parts
    ]
    return "/" + "".join(texts)


def reach(parts: Sequence[Any], prefix: str) -> Reach:
    """Say how much of what a pattern matches lies under an exempt prefix.

    In doubt "part": what may be open must be listed, and what is listed for nothing does no harm.
    """
    if not prefix.strip("/"):
        return "none"
    starts = [""]
    rest = parts
    if isinstance(parts[0], LocalePrefixPattern):
        starts = [f"{code}/" for code, _ in settings.LANGUAGES]
        starts += [] if parts[0].prefix_default_language else [""]
        rest = parts[1:]
    found = {reach_of(start, rest, prefix) for start in starts}
    return found.pop() if len(found) == 1 else "part"


def reach_of(start: str, parts: Sequence[Any], prefix: str) -> Reach:
    """See `reach`; of one language."""
    route = start
    for part in parts:
        if not isinstance(part, RoutePattern) or is_translated(part):
            # A translated route: another one in each language.
            return reach_of_regex(route, part, prefix)
        route += str(part)
    segments, wanted = route.split("/"), prefix.strip("/").split("/")
    dynamic = False
    for segment, name in zip(segments, wanted, strict=False):
        kinds = CONVERTER.findall(segment)
        if any((kind or "str") not in WITHIN_A_SEGMENT for kind in kinds):
            return "part"
        if not re.fullmatch(as_regex(segment), name):
            return "none"
        dynamic = dynamic or bool(kinds)
    if len(segments) < len(wanted) + prefix.endswith("/"):
        return "none"
    return "part" if dynamic else "whole"


def reach_of_regex(route: str, part: Any, prefix: str) -> Reach:
    """See `reach`; of a regular expression, of which its plain beginning is known."""
    known, converter, _ = route.partition("<")
    if not converter and isinstance(part, RegexPattern):
        known += beginning(str(part))
    plain = prefix.strip("/") + "/"
    if known.startswith(plain):
        return "whole"
    return "part" if plain.startswith(known) else "none"


def beginning(regex: str) -> str:
    """Return the plain text that everything begins with which a regular expression matches."""
    # Unanchored it is searched for anywhere, and either side of "|" may be what matches.
    if not regex.startswith("^") or "|" in regex:
        return ""
    text = re.match(r"[\w/-]*", regex[1:])[0]  # type: ignore[index]
    return text[:-1] if regex[1 + len(text) :].startswith(("*", "?", "{")) else text


def as_regex(segment: str) -> str:
    """Return the regular expression of one segment of a route."""
    pieces, end = [], 0
    for found in CONVERTER.finditer(segment):
        pieces += [re.escape(segment[end : found.start()]), WITHIN_A_SEGMENT[found[1] or "str"]]
        end = found.end()
    return "".join([*pieces, re.escape(segment[end:])])
