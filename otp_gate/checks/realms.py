"""Whom the keys in Redis tell apart: sites on one Redis, tenants of one site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from otp_gate import conf, realms, store
from otp_gate.exceptions import StoreUnavailable

E_BRACES = "otp_gate.E014"
W_ONE_REALM = "otp_gate.W013"

WORDS = ("tenant", "pgschema")
"""Parts of the names of routers, middlewares and database engines that know tenants."""

KEY_FUNCTIONS = ("django_tenants", "tenant_schemas")
"""Packages with a key function of their own, `<package>.cache.make_key`."""


def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The keys of one user lie in one slot of a Redis Cluster, and the gate has keys at all."""
    config = usable_config()
    if config is None:
        return []
    try:
        around = realms.around()
    except StoreUnavailable:
        # A key function may need the tenant of a request, which no check has.
        return []
    if not realms.has_braces(around):
        return []
    return [
        Error(
            f"The keys of the cache {config.cache!r} begin with braces, which Redis Cluster takes "
            "for the part that chooses the slot. The gate stays shut.",
            hint=f"No {{ and }} in KEY_PREFIX and KEY_FUNCTION of CACHES[{config.cache!r}], nor in "
            "OTP_GATE['KEY_PREFIX']",
            id=E_BRACES,
        )
    ]


def check_tenants(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Where each tenant has a user 1 of its own, the keys in Redis name the tenant."""
    config = usable_config()
    if config is None or not has_users_of_tenants():
        return []
    signs = list(signs_of_tenants())
    with suppress(StoreUnavailable):
        signs = signs if realms.is_fixed() else []
    if not signs:
        return []
    packages = [name for name in KEY_FUNCTIONS if any(name in sign for sign in signs)]
    function = f"{packages[0]}.cache.make_key" if packages else "path.to.a_function_of_yours"
    return [
        checks.Warning(
            f"{', '.join(signs)}: this site has tenants, but its cache {config.cache!r} makes the "
            "same keys for all of them. If two tenants have users with the same id, the wrong "
            "answers of one lock the other, and a code of one opens a session of the other.",
            hint=f'CACHES[{config.cache!r}]["KEY_FUNCTION"] = "{function}". Where all tenants '
            f'share one table of users: SILENCED_SYSTEM_CHECKS = ["{W_ONE_REALM}"]',
            id=W_ONE_REALM,
        )
    ]


def usable_config() -> conf.GateConfig | None:
    """Return the configuration, unless another check says already that it cannot be used."""
    config, _ = conf.read_settings()
    if config is None or not store.is_redis(settings.CACHES.get(config.cache, {})):
        return None
    return config


def has_users_of_tenants() -> bool:
    """False if TENANT_APPS lacks the app of the users: all tenants share one table of them."""
    named: Any = getattr(settings, "TENANT_APPS", None)
    if named is None:
        return True
    app = apps.get_app_config(get_user_model()._meta.app_label)
    return not {app.name, f"{type(app).__module__}.{type(app).__qualname__}"}.isdisjoint(named)


def signs_of_tenants() -> Iterator[str]:
    """Give the settings that show that the site has tenants, each as its name and value."""
    model: Any = getattr(settings, "TENANT_MODEL", None)
    if model is not None:
        yield f"TENANT_MODEL {model!r}"
    for setting in ("DATABASE_ROUTERS", "MIDDLEWARE"):
        for item in getattr(settings, setting):
            if any(word in name.lower() for name in names_of(item) for word in WORDS):
                yield f"{setting} {names_of(item)[0]!r}"
    for alias, database in settings.DATABASES.items():
        engine = str(database.get("ENGINE", ""))
        if any(word in engine.lower() for word in WORDS):
            yield f"ENGINE of DATABASES[{alias!r}] {engine!r}"


def names_of(item: Any) -> list[str]:
    """Return the dotted path of a class, function or instance, and those of its base classes."""
    paths = []
    if isinstance(item, str):
        paths.append(item)
        try:
            item = import_string(item)
        except ImportError:  # Django itself tells of it
            return paths
    if not isinstance(item, type) and not hasattr(item, "__qualname__"):
        item = type(item)
    classes = item.__mro__ if isinstance(item, type) else (item,)
    return [*paths, *(f"{found.__module__}.{found.__qualname__}" for found in classes)]
