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
from otp_gate.exemptions import exemption_of, is_own, naming

Status = Literal["gated", "exempt", "bypasses"]
Reach = Literal["whole", "part", "none"]

LANGUAGE = "<language>/"
"""Stands for the first segment of `i18n_patterns`."""

# By name and over all ancestors, so that no package needs to be installed to be recognised.
TOKEN_VIEWS = frozenset(
    {
        "dj_rest_auth.views.LoginView",
        "djoser.views.TokenCreateView",
        "knox.views.LoginView",
        "oauth2_provider.views.base.TokenView",
        "rest_framework.authtoken.views.ObtainAuthToken",
        "rest_framework_jwt.views.ObtainJSONWebToken",
        "rest_framework_simplejwt.views.TokenObtainPairView",
        "rest_framework_simplejwt.views.TokenObtainSlidingView",
    }
)
TOKEN_SERIALIZERS = frozenset({"rest_framework_simplejwt.serializers.TokenObtainSerializer"})
BASIC_AUTHENTICATION = frozenset({"rest_framework.authentication.BasicAuthentication"})
VERIFIED_PERMISSION = frozenset({"otp_gate.drf.IsVerified"})

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
        if not isinstance(part, RoutePattern) or not isinstance(getattr(part, "_route", ""), str):
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


def bypass(view: Any) -> str:
    """Say how a view takes a password for enough, with no session that the gate could hold."""
    for layer in layers(view):
        made_of = getattr(layer, "cls", None) or getattr(layer, "view_class", None)
        if made_of is None:
            continue
        given = getattr(layer, "initkwargs", None) or getattr(layer, "view_initkwargs", {})
        if asks_for_code(made_of, given):
            return ""
        serializer = given.get("serializer_class", getattr(made_of, "serializer_class", None))
        if found := token_for_password(made_of, serializer):
            return f"gives a token for a password ({found})"
        ways = given.get("authentication_classes", getattr(made_of, "authentication_classes", ()))
        for way in ways if isinstance(ways, list | tuple) else ():
            if found := ancestor(way, BASIC_AUTHENTICATION):
                return f"takes a password with each request ({found})"
    return ""


def token_for_password(view_class: Any, serializer_class: Any) -> str:
    """Return by which class a view hands out a token for a name and a password; "" if by none."""
    return ancestor(view_class, TOKEN_VIEWS) or ancestor(serializer_class, TOKEN_SERIALIZERS)


def asks_for_code(made_of: Any, given: Any) -> bool:
    """True for a view of Django REST framework that only the verified get something from."""
    # Who chooses permissions by himself may choose others.
    chosen = getattr(made_of, "get_permissions", None)
    if getattr(chosen, "__module__", None) != "rest_framework.views":
        return False
    needed = given.get("permission_classes", getattr(made_of, "permission_classes", ()))
    return any(insists(permission) for permission in needed)


def insists(permission: Any) -> bool:
    """True if nobody passes a permission who has not typed in a code: `|` and `~` open it again."""
    operator = getattr(permission, "operator_class", None)
    if getattr(operator, "__qualname__", "") == "AND":
        return insists(permission.op1_class) or insists(permission.op2_class)
    return bool(ancestor(permission, VERIFIED_PERMISSION))


def layers(view: Any) -> Iterator[Any]:
    """Give a view, and what its decorators wrap."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def ancestor(item: Any, names: frozenset[str]) -> str:
    """Return the class of these names that this class is, or is made from; without its module."""
    for base in item.__mro__ if isinstance(item, type) else ():
        if f"{base.__module__}.{base.__qualname__}" in names:
            return base.__qualname__
    return ""
