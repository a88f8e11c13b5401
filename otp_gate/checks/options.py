"""What OTP_GATE says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from otp_gate import conf, policy

E_SETTING = "otp_gate.E001"
E_CODE_TTL = "otp_gate.E006"
E_OPENS_ALL = "otp_gate.E007"
E_DELIVERY = "otp_gate.E009"
E_TRUSTED = "otp_gate.E011"
E_POLICY = "otp_gate.E012"
W_REPORT = "otp_gate.W001"
W_PENDING = "otp_gate.W006"
W_LIMITS = "otp_gate.W007"

DEVICES = "otp_gate.devices"


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """OTP_GATE holds known keys with values that can be meant, and none that opens everything."""
    config, problems = conf.read_settings()
    found: list[CheckMessage] = [
        Error(problem, hint=f"Keys of OTP_GATE: {', '.join(conf.KEYS)}.", id=E_SETTING)
        for problem in problems
    ]
    if config is None:
        return found
    found += opening_everything(config)
    if config.trusted_browser_ttl is not None and not apps.is_installed(DEVICES):
        found.append(
            Error(
                f"OTP_GATE['TRUSTED_BROWSER_TTL'] needs the app {DEVICES!r}.",
                hint=f"INSTALLED_APPS = [..., 'otp_gate', {DEVICES!r}]",
                id=E_TRUSTED,
            )
        )
    if config.mode == "report" and not settings.DEBUG:
        found.append(
            checks.Warning(
                "The OTP gate only reports: a password alone opens everything.",
                hint='OTP_GATE = {"MODE": "enforce", ...}',
                id=W_REPORT,
            )
        )
    return found


def opening_everything(config: conf.GateConfig) -> Iterator[CheckMessage]:
    """Give the exemptions that name the whole site. The gate ignores them, whoever wrote them."""
    urls = {settings.STATIC_URL: "STATIC_URL", settings.MEDIA_URL: "MEDIA_URL"}
    for path in config.exempt_paths:
        if not path.strip("/"):
            origin = f" ({urls[path]})" if path in urls else ""
            yield Error(
                f"OTP_GATE['EXEMPT_PATHS'] holds {path!r}{origin}: that is the whole site.",
                hint="Name a segment below the root, or exempt views by name: EXEMPT_VIEWS.",
                id=E_OPENS_ALL,
            )
    for name in config.exempt_views:
        if not name.strip(":*"):
            yield Error(
                f"OTP_GATE['EXEMPT_VIEWS'] holds {name!r}: that is the whole site.",
                hint='OTP_GATE = {"EXEMPT_VIEWS": ["namespace:name"], ...}',
                id=E_OPENS_ALL,
            )


def check_limits(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Codes and guesses stay within what ASVS and NIST allow, and within each other."""
    config, _ = conf.read_settings()
    if config is None:
        return []
    found: list[CheckMessage] = []
    limits = config.failures
    if config.code_ttl > 600:
        found.append(
            Error(
                f"A code lives {config.code_ttl} seconds; ASVS 6.5.5 and NIST allow 600.",
                hint='OTP_GATE = {"CODE_TTL": 300, ...}',
                id=E_CODE_TTL,
            )
        )
    elif config.pending_ttl < config.code_ttl:
        found.append(
            checks.Warning(
                f"A login that waits for its code ends after {config.pending_ttl} seconds, "
                f"but the message promises that the code lives {config.code_ttl}.",
                hint=f'OTP_GATE = {{"PENDING_TTL": {3 * config.code_ttl}, ...}}',
                id=W_PENDING,
            )
        )
    weak = {
        f"FAILURES lets {limits.stop} wrong answers in a row pass before it stops a user; "
        "NIST SP 800-63B allows 100": (limits.stop > 100, '"FAILURES": {"stop": 100}'),
        f"FAILURES begins with a lock of {limits.lock} seconds, which is more than the longest, "
        f"{limits.lock_max}": (limits.lock > limits.lock_max, '"FAILURES": {"lock_max": 3600}'),
        "SENDS is empty: a person can be sent any number of codes": (
            not config.sends,
            '"SENDS": [(5, 900), (20, 86400)]',
        ),
    }
    found += [
        checks.Warning(f"{text}.", hint=f"OTP_GATE = {{{line}, ...}}", id=W_LIMITS)
        for text, (is_weak, line) in weak.items()
        if is_weak
    ]
    return found


def check_parts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The policy can be asked, and each factor has a delivery that can be made."""
    config, _ = conf.read_settings()
    if config is None:
        return []
    found: list[CheckMessage] = []
    if not takes_a_request(config.policy):
        found.append(
            Error(
                f"OTP_GATE['POLICY'] is {name_of(config.policy)}, which takes no request.",
                hint="Write def policy(request) -> bool; of groups, a module of yours: "
                'editors = otp_gate.policy.groups("editors"), and its dotted path.',
                id=E_POLICY,
            )
        )
    for factor in config.factors:
        try:
            getattr(factor, "deliver", None)
        except Exception as error:  # a delivery's constructor may raise anything
            found.append(
                Error(
                    f"The delivery of the factor {factor.id!r} cannot be made: "
                    f"{type(error).__name__}.",
                    hint=f"class {type(factor).__name__}: delivery = a class with send(message), "
                    "or its dotted path",
                    id=E_DELIVERY,
                )
            )
    return found


def takes_a_request(found: Any) -> bool:
    """True unless it is plain that asking would fail, or ask nobody."""
    if found is policy.groups:
        # It takes whatever it is given for a group, and answers with a policy: that is, "yes".
        return False
    try:
        inspect.signature(found).bind(object())
    except TypeError:
        return False
    except ValueError:  # what is written in C may not tell
        return True
    return True


def name_of(item: Any) -> str:
    return f"{item.__module__}.{item.__qualname__}" if hasattr(item, "__qualname__") else repr(item)
