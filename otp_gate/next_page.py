"""Which address may follow a verification: a page of this host that undoes nothing."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from inspect import unwrap
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from otp_gate.addresses import CACHED, Place, path_of, place, settings_url
from otp_gate.conf import gate_config
from otp_gate.exemptions import is_own, naming, resolve_in, resolved

MAX_NEXT = 2000
"""Longest `next` (characters): past it, proxies and browsers cut or refuse the address."""

DOTS = frozenset({".", ".."})


def safe_next(request: HttpRequest, target: object, at: Place | None = None) -> str:
    """Return `target` if it is a page of this host that may follow a verification, else "".

    Own pages and log-outs may not: the one loops, the other undoes what was just proved.
    """
    if not isinstance(target, str) or not target or len(target) > MAX_NEXT:
        return ""
    path, needs_host = plain_path(target)
    if not path or (
        needs_host
        and not url_has_allowed_host_and_scheme(
            target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
    ):
        return ""
    at = at or place()
    if path == path_of(settings_url("LOGIN_URL", at)):
        # Who is logged in has nothing to do there but to go on, to where the login would have led.
        query = dict(parse_qsl(urlsplit(target).query))
        return safe_next(request, query.get(REDIRECT_FIELD_NAME))
    if path.startswith(at.prefix):
        path = "/" + path[len(at.prefix) :]
    # The second is where APPEND_SLASH leads.
    paths = {path, path.removesuffix("/") + "/"}
    urlconfs = {getattr(request, "urlconf", None) or at.root, at.root}
    for urlconf in urlconfs:
        for path in paths:
            match = resolved(request, path, urlconf)
            if match is not None and is_log_out_or_own(match.func, match.url_name or ""):
                return ""
    return without_login_token(target)


@lru_cache(maxsize=CACHED)
def plain_path(target: str) -> tuple[str, bool]:
    """Return the path of an address as the server will look it up, or "" if it is not plain.

    Also whether the address names a host. A path needs none to compare with, and is what most
    requests ask for.
    """
    if not target.isprintable() or target != target.strip():
        # Browsers drop tabs, line breaks and outer blanks; others end a header there.
        return "", False
    try:
        parts = urlsplit(target)
    except ValueError:
        return "", False
    path = unquote(parts.path)
    if not parts.path.startswith("/") or "\\" in path or not DOTS.isdisjoint(path.split("/")):
        # Browsers turn backslashes round and take dots out, and ask for another path than this.
        return "", False
    return path, not url_has_allowed_host_and_scheme(target, None)


@lru_cache(maxsize=CACHED)
def is_log_out_or_own(view: Any, url_name: str) -> bool:
    """Return True for a view to which no right code may lead."""
    return is_own(view) or is_log_out(view, url_name)


def is_log_out(view: Any, url_name: str) -> bool:
    """Return True for a view that a GET logs out by: known by its names, or by what it does.

    By the name of its URL, its function, its module, its class or an ancestor of the class
    (`cas_ng_logout`, `user_logout`, `LogoutInitView`); or because it logs out in any case, before
    it decides anything.
    """
    while isinstance(view, partial):
        view = view.func
    # No further than to the class: a decorator of its `dispatch` is followed by `as_view`.
    view = unwrap(view, stop=lambda item: hasattr(item, "view_class") or hasattr(item, "cls"))
    return is_log_out_view(view, url_name)


def is_log_out_view(function: Any, url_name: str) -> bool:
    """See `is_log_out`."""
    view_class = getattr(function, "view_class", None) or getattr(function, "cls", None)
    parts = [function] if view_class is None else view_class.__mro__
    names = [getattr(part, "__name__", "") for part in parts]
    modules = [str(getattr(part, "__module__", "")).rpartition(".")[2] for part in parts]
    if any(
        re.search(LOG_OUT, re.sub(CAMEL, "_", name).lower())
        for name in (url_name, *names, *modules)
    ):
        return True
    handlers = (getattr(view_class, name, None) for name in ("dispatch", "get"))
    return any(logs_out_at_once(item) for item in (function, *handlers))


def is_login_or_log_out(request: HttpRequest) -> bool:
    """Return True if the path of this request is a view that logs in or out.

    What is sent there is a password, or is at its end with the login: it is not to be sent again.
    """
    if path_of(settings_url("LOGIN_URL")) == request.path:
        return True
    match = request.resolver_match or resolve_in(request)
    if match is None:
        return False
    from otp_gate.gate.login_views import is_login_view

    named = naming(match, gate_config().login_views) is not None
    return is_login_view(match, named) or is_log_out(match.func, match.url_name or "")


CAMEL = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
LOG_OUT = r"(?<![a-z])(log|sign)[_-]?(out|off)(?![a-z])|(?<![a-z])end[_-]?session"
LOGS_OUT = frozenset({"logout", "alogout", "auth_logout", "django_logout", "flush", "aflush"})


def logs_out_at_once(function: Any) -> bool:
    """Return True for a function that logs out before its first condition."""
    code = getattr(unwrap(function), "__code__", None)
    if code is None or LOGS_OUT.isdisjoint(code.co_names):
        return False
    import dis  # By the worker that meets such a view.

    steps = takewhile(
        lambda step: "JUMP_" not in step.opname or "IF" not in step.opname,
        dis.get_instructions(code),
    )
    return any(step.argval in LOGS_OUT for step in steps if step.opname.startswith("LOAD"))


def without_login_token(target: str) -> str:
    """Return the address without a token by which django-sesame's middleware logs in.

    The user who typed the code is logged in. A second login by the same token asks for the next
    code, on browsers for which sesame leaves the token in the address (Safari) without end.
    """
    if not any(path.startswith("sesame.middleware.") for path in settings.MIDDLEWARE):
        return target
    name = getattr(settings, "SESAME_TOKEN_NAME", "sesame")
    parts = urlsplit(target)
    pairs = parts.query.split("&")
    rest = [pair for pair in pairs if unquote_plus(pair.partition("=")[0]) != name]
    return parts._replace(query="&".join(rest)).geturl() if len(rest) < len(pairs) else target
