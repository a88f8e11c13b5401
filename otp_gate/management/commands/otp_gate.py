"""`manage.py otp_gate`: urls, doctor, report, status, unlock and code."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    no_translations,
)
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from otp_gate import challenge, codes, inventory, operators, policy, realms, reports, signals
from otp_gate.checks.surroundings import is_in_process, is_tested
from otp_gate.conf import gate_config
from otp_gate.doctor import Finding, deliver, examine
from otp_gate.exceptions import StoreUnavailable
from otp_gate.identity import user_id_of
from otp_gate.letters import waiting_time

logger = logging.getLogger("otp_gate")


class Command(BaseCommand):
    """The tools around the gate."""

    help = "See what the OTP gate holds, whether all is well, and help a user through it."
    # `doctor` must speak where they fail, and an operator must not wait until they are mended.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
        urls = actions.add_parser("urls", help="every URL pattern: gated, exempt or bypasses")
        urls.add_argument(
            "--fail-on-exempt",
            metavar="ALLOWED_FILE",
            help="exit 1 if anything is open that is not in this file (a path or name per line)",
        )
        examine = actions.add_parser(
            "doctor", help="look for what is wrong, and say what to change"
        )
        examine.add_argument("--deliver", metavar="USER", help="also send this user a test message")
        report = actions.add_parser("report", help="whom report mode would have stopped, and where")
        shape = report.add_mutually_exclusive_group()
        shape.add_argument("--by", choices=["user", "place"], help="one sum for each of them")
        shape.add_argument("--json", action="store_true", help="all of it, for a program")
        report.add_argument("--clear", action="store_true", help="then begin to count anew")
        for name, told in (
            ("status", "what is known of a user's second step (never a code)"),
            ("unlock", "lift every lock of a user's second step"),
            ("code", "make a code for an operator to read out to a user"),
        ):
            action = actions.add_parser(name, help=told)
            action.add_argument("user", metavar="USER", help="as the user logs in")
            if name == "code":
                action.add_argument(
                    "--ttl", type=int, metavar="SECONDS", help=f"its life, 1 to {operators.MAX_TTL}"
                )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        action = getattr(self, options["action"])
        try:
            if options["action"] not in ("urls", "doctor"):
                self.say_where()
            action(options)
        except StoreUnavailable as error:
            raise CommandError(f"{error}. `manage.py otp_gate doctor` says more.") from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def say_where(self) -> None:
        """Name the realm that the command reads or changes; apart from what programs read."""
        self.stderr.write(f"Realm: {realms.shown()}")
        if lives_here():
            self.stderr.write(
                "This Redis lives inside this process: a running server has one of its own."
            )

    # urls

    def urls(self, options: dict[str, Any]) -> None:
        """List every pattern; with a file of what may be open, fail on what else is."""
        config = gate_config()
        found = inventory.entries(config)
        rows = [(entry.path, entry.name or "-", entry.status) for entry in found]
        widths = [max([len(row[i]) for row in rows], default=0) for i in range(3)]
        for row, entry in zip(rows, found, strict=True):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.stdout.write("  ".join([*cells, entry.why]).rstrip())
        if config.mode == "report":
            self.stderr.write('MODE is "report": the gate lets everybody through.')
        if config.policy is not policy.everyone:
            self.stderr.write("POLICY decides whom the gate holds; the others pass everywhere.")
        if options["fail_on_exempt"] is not None:
            self.fail_on_exempt(found, options["fail_on_exempt"])

    def fail_on_exempt(self, found: list[inventory.Entry], file: str) -> None:
        allowed = set(allowed_in(file))
        for line in sorted(allowed):
            meant = [entry for entry in found if line in (entry.path, entry.name)]
            if not meant:
                self.stderr.write(f"{file}: {line} is no URL pattern (any more).")
            elif not any(entry.is_open for entry in meant):
                self.stderr.write(f"{file}: {line} is gated, and need not be allowed.")
        wrong = [
            entry
            for entry in found
            if entry.is_open and not allowed.intersection([entry.path, entry.name])
        ]
        if wrong:
            lines = [f"  {entry.path}  {entry.status}: {entry.why}" for entry in wrong]
            raise CommandError("\n".join([f"Open, and not in {file}:", *lines]))

    # doctor

    def doctor(self, options: dict[str, Any]) -> None:
        """Say what is well and what is wrong, each with the line to change."""
        wrong = 0
        for finding in self.findings(options["deliver"]):
            style = {"ok": self.style.SUCCESS, "note": self.style.NOTICE}.get(
                finding.verdict, self.style.ERROR
            )
            wrong += finding.verdict == "wrong"
            self.stdout.write(f"{style(finding.verdict.ljust(5))}  {finding.text}")
            if finding.hint:
                self.stdout.write(f"       -> {finding.hint}")
        if wrong:
            raise CommandError(f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong.")

    def findings(self, name: str | None) -> Iterator[Finding]:
        yield from examine()
        if name is not None:
            with translation.override(settings.LANGUAGE_CODE):
                yield deliver(user_named(name))

    # report

    def report(self, options: dict[str, Any]) -> None:
        """List who was let through only because the gate reports, where and how often."""
        if gate_config().mode != "report":
            self.stderr.write('MODE is "enforce": nothing is counted any more.')
        found = reports.counted(forget=options["clear"])
        if options["json"]:
            self.stdout.write(reports.as_json(*found))
            return
        for line in reports.as_table(*found, options["by"]):
            self.stdout.write(line)

    # status, unlock, code

    def status(self, options: dict[str, Any]) -> None:
        """Tell what is known of a user's second step."""
        config = gate_config()
        user = user_named(options["user"])
        account = operators.account_of(user)
        self.stdout.write(f"{user.get_username()} (id {user_id_of(user)})")
        limits = config.failures
        lines = {
            "Second step": standing(account),
            "Wrong answers": f"{account.in_a_row} in a row "
            f"(a lock after every {limits.lock_after}, a stop after {limits.stop}), "
            f"{account.in_a_day} of {limits.per_day} in 24 hours",
            "Codes sent": ", ".join(
                f"{sent} of {number} in {waiting_time(window)}"
                for sent, (number, window) in zip(account.sent, config.sends, strict=True)
            )
            or "without a limit",
            "Live codes": "; ".join(
                f"{item.factor} {item.reference}".strip()
                + f", expires in {waiting_time(item.expires_in)}, {item.wrong} wrong answers"
                for item in account.live
            ),
        }
        if account.held:
            lines["New codes"] = f"held back {until(account.held)}, after “this wasn't me”"
        for label, text in lines.items():
            self.stdout.write(f"  {label + ':':<15}{text or 'none'}")

    def unlock(self, options: dict[str, Any]) -> None:
        """Let a user in again, and tell what kept them out."""
        user = user_named(options["user"])
        lifted = challenge.unlock(user_id_of(user), challenge.places_of(user).values())
        logger.warning("Unlocked: user %s, by %s", user_id_of(user), operator())
        what = [
            "a stop" if lifted.stopped else "",
            f"a lock of {waiting_time(lifted.lock)}" if lifted.lock else "",
            f"a hold of {waiting_time(lifted.held)}" if lifted.held else "",
            f"{lifted.in_a_row} wrong answers in a row",
            f"{lifted.in_a_day} wrong answers in 24 hours",
            f"{lifted.sent} codes sent",
        ]
        told = ", ".join(filter(None, what))
        self.stdout.write(f"Cleared for {user.get_username()}: {told}.")
        self.stdout.write("Ask for another code: one that a lock made void stays void.")

    @sensitive_variables()
    def code(self, options: dict[str, Any]) -> None:
        """Print a code that opens one half-authenticated session of a user, once."""
        user = user_named(options["user"])
        ttl = options["ttl"]
        if ttl is None:
            ttl = min(gate_config().code_ttl, operators.MAX_TTL)
        if not 1 <= ttl <= operators.MAX_TTL:
            raise CommandError(f"--ttl is 1 to {operators.MAX_TTL} seconds, not {ttl}.")
        name = user.get_username()
        if not user.is_active:
            raise CommandError(f"{name} is not active, and cannot log in.")
        code = operators.new_code(user, ttl)
        if code is None:
            raise CommandError(
                f"{name} is locked or held: somebody may know the password. Look with `otp_gate "
                "status`; then `otp_gate unlock`, and ask again."
            )
        who = operator()
        logger.warning("Operator's code: user %s, by %s", user_id_of(user), who)
        signals.operator_code_made.send_robust(
            sender=user.__class__, user=user, operator=who, expires_in=ttl
        )
        self.stdout.write(codes.spaced(code))
        self.stderr.write(
            f"For {name}, who has given the password: it works once, for {waiting_time(ttl)}. Be "
            "sure who is on the phone: whoever hears it is let in."
        )


def lives_here() -> bool:
    return is_in_process(gate_config().cache) and not is_tested()


def allowed_in(file: str) -> Iterator[str]:
    """Give the lines of a file of what may be open, without comments."""
    try:
        text = Path(file).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {type(error).__name__}.") from error
    for line in text.splitlines():
        # "#" alone may be part of a pattern.
        entry = (" " + line).split(" #")[0].strip()
        if entry:
            yield entry


def user_named(name: str) -> Any:
    """Return the user who logs in by this name."""
    model: Any = get_user_model()
    manager = model._default_manager
    try:
        if hasattr(manager, "get_by_natural_key"):
            return manager.get_by_natural_key(name)
        return manager.get(**{model.USERNAME_FIELD: name})
    except (model.DoesNotExist, ValueError, ValidationError):
        raise CommandError(f"No user has the {model.USERNAME_FIELD} {name!r}.") from None


def standing(account: operators.Account) -> str:
    """Say whether codes are checked, until when not, and why not."""
    if account.locked_for is None:
        return "stopped after wrong answers in a row, until `otp_gate unlock` or a new password"
    if not account.locked_for:
        return "open"
    by_lock = account.lock >= account.locked_for
    why = "wrong answers in a row" if by_lock else "the wrong answers of 24 hours"
    return f"locked {until(account.locked_for)}, for {why}"


def until(seconds: float) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return f"until {moment:%Y-%m-%d %H:%M:%S} UTC ({waiting_time(seconds)})"


def operator() -> str:
    """Return who runs this, as the system knows them and not as the environment claims."""
    try:
        import pwd
    except ImportError:  # Windows
        return getpass.getuser()
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # a container whose user has no name
        name = f"uid {number}"
    # A claim, and marked as one; but who became root by sudo is otherwise nobody.
    claimed = os.environ.get("SUDO_USER")
    return f"{name} (SUDO_USER {claimed!r})" if claimed else name
