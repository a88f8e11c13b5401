"""Where the gate stands: MIDDLEWARE, the URLs, and what they leave open."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.middleware.cache import FetchFromCacheMiddleware
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from otp_gate import conf, inventory
from otp_gate.addresses import page_url
from otp_gate.django_internals import LOADED_USERS
from otp_gate.exemptions import naming
from otp_gate.inventory.credentials import WHERE_CODES_GO
from otp_gate.middleware import OTPGateMiddleware

E_NO_MIDDLEWARE = "otp_gate.E002"
E_ORDER = "otp_gate.E003"
E_NO_URLS = "otp_gate.E004"
E_ADMIN = "otp_gate.E008"
E_TOKENS = "otp_gate.E013"
W_NAMES_NOTHING = "otp_gate.W004"
W_PAGE_CACHE = "otp_gate.W005"
W_LOGIN_URL = "otp_gate.W008"
W_LATE_LOGIN = "otp_gate.W009"
W_ADDRESS = "otp_gate.W011"

GATE = "otp_gate.middleware.OTPGateMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"

LOGS_IN = frozenset({"login", "alogin", "authenticate", "aauthenticate"})
PUTS_USER = frozenset({"user", "auser", *LOADED_USERS})

HARMLESS = frozenset({"login", "logout", "jsi18n"})
"""Views of the admin that show nothing."""

NO_PATH = frozenset("*^$<>()[]|?\\")
"""Characters of patterns, which EXEMPT_PATHS takes as they are."""


def check_middleware(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The gate is in MIDDLEWARE, once, after some authentication middleware."""
    classes = [import_string(path) for path in settings.MIDDLEWARE]
    gates = [i for i, item in enumerate(classes) if is_a(item, OTPGateMiddleware)]
    if len(gates) != 1:
        how_often = "not" if not gates else "more than once"
        return [
            Error(
                f"The OTP gate is {how_often} in MIDDLEWARE.",
                hint=f"Add {GATE!r} once, below the authentication middleware.",
                id=E_NO_MIDDLEWARE,
            )
        ]
    before, after = classes[: gates[0]], classes[gates[0] :]
    found: list[CheckMessage] = []
    if any(is_a(item, FetchFromCacheMiddleware) for item in before):
        found.append(
            checks.Warning(
                "A page cache stands before the OTP gate and answers in its place: what it kept "
                "for a session stays open when that session logs in again.",
                hint="In MIDDLEWARE, move 'django.middleware.cache.FetchFromCacheMiddleware' below "
                f"{GATE!r}.",
                id=W_PAGE_CACHE,
            )
        )
    found += [
        checks.Warning(
            f"{path!r} logs in, or changes the user, in `process_view`, which runs behind that of "
            "the OTP gate: the view is reached by whom the gate has not seen.",
            hint=f"In MIDDLEWARE, move {path!r} above {GATE!r}.",
            id=W_LATE_LOGIN,
        )
        for path, item in zip(settings.MIDDLEWARE[gates[0] + 1 :], after[1:], strict=True)
        if changes_user(getattr(item, "process_view", None))
    ]
    if any(is_a(item, SessionMiddleware) for item in after):
        found.append(misplaced("session", SESSIONS))
        return found
    if any(is_a(item, AuthenticationMiddleware) for item in before):
        return found
    # Django's stands behind the gate; or nothing before it is of the project's own making, so
    # nothing can set request.user. A project's own authentication may be any callable.
    if any(is_a(item, AuthenticationMiddleware) for item in after) or all(
        item.__module__.startswith("django.") for item in before
    ):
        found.append(misplaced("authentication", AUTH))
    return found


def changes_user(function: Any) -> bool:
    """True if this function itself logs in, or puts a user; what it calls is not looked into."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return False
    put = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    return not LOGS_IN.isdisjoint(code.co_names) or not PUTS_USER.isdisjoint(put)


def misplaced(kind: str, path: str) -> CheckMessage:
    return Error(
        f"The OTP gate stands before the {kind} middleware, so it sees no user.",
        hint=f"In MIDDLEWARE, move {GATE!r} below {path!r}.",
        id=E_ORDER,
    )


def is_a(item: object, base: type) -> bool:
    return isinstance(item, type) and issubclass(item, base)


def check_urls(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The gate's own pages are in ROOT_URLCONF, and the way to the login leads somewhere."""
    found: list[CheckMessage] = []
    if page_url("verify") is None:
        found.append(
            Error(
                f"The OTP pages are not in {settings.ROOT_URLCONF}.",
                hint='urlpatterns = [path("otp/", include("otp_gate.urls")), ...]',
                id=E_NO_URLS,
            )
        )
    try:
        resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        found.append(
            checks.Warning(
                f"LOGIN_URL is {settings.LOGIN_URL!r}, which names no view: whoever signs out of "
                "the OTP page lands on '/'.",
                hint='LOGIN_URL = "login", "admin:login", or a path',
                id=W_LOGIN_URL,
            )
        )
    return found


def check_tokens(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The gate can find the session that a request to allauth headless names by a token."""
    config, _ = conf.read_settings()
    if config is None or not apps.is_installed("allauth.account"):
        return []
    from otp_gate.headless import tokens

    unknown = tokens.unknown_parts()
    if not unknown or not any(
        tokens.exchanges_session(entry.match.func) for entry in inventory.entries(config)
    ):
        return []
    return [
        Error(
            "The OTP gate cannot judge the session tokens of allauth headless: it does not know "
            f"{', '.join(unknown)}. A password alone may open its app client.",
            hint='HEADLESS_CLIENTS = ["browser"], or a HEADLESS_TOKEN_STRATEGY of allauth itself.',
            id=E_TOKENS,
        )
    ]


def check_addresses(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """No token that was given for a password alone changes the address to which codes go."""
    config, _ = conf.read_settings()
    if config is None:
        return []
    try:
        entries = inventory.entries(config)
    except Exception:  # check_urls fails in the same way, and tells of it
        return []
    paths = [entry.path for entry in entries if entry.why.endswith(WHERE_CODES_GO)]
    if not paths:
        return []
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return [
        checks.Warning(
            f"A token, for which no code was typed in, changes the address that codes go to: "
            f"{paths[0]}{more}.",
            hint="Give these views permission_classes = [otp_gate.drf.IsVerified], or make the "
            "email field read-only. `manage.py otp_gate urls` lists them.",
            id=W_ADDRESS,
        )
    ]


def check_exemptions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Each exemption opens something, and none the admin."""
    config, _ = conf.read_settings()
    if config is None or not (config.exempt_views or config.exempt_paths):
        return []
    entries = inventory.entries(config)
    opened = sorted(
        {
            entry.why.removesuffix(" (in part)")
            for entry in entries
            if "admin" in entry.match.app_names
            and entry.why.startswith("EXEMPT_")
            and entry.match.url_name not in {*HARMLESS, None}
        }
    )
    found: list[CheckMessage] = [
        Error(
            f"OTP_GATE: {why} opens the admin to whoever has a password.",
            hint="Take it out: the admin needs no exemption, it logs in by itself.",
            id=E_ADMIN,
        )
        for why in opened
    ]
    idle = [
        name
        for name in config.exempt_views
        if name.strip(":*") and not any(naming(entry.match, (name,)) for entry in entries)
    ]
    idle += [path for path in config.exempt_paths if NO_PATH & set(path) or "://" in path]
    found += [
        checks.Warning(
            f"OTP_GATE exempts {item!r}, which opens nothing.",
            hint='EXEMPT_VIEWS takes "name", "namespace:name" or "namespace:*"; EXEMPT_PATHS takes '
            "the beginning of a path. `manage.py otp_gate urls` lists them.",
            id=W_NAMES_NOTHING,
        )
        for item in idle
    ]
    return found
