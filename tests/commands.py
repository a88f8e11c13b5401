"""`manage.py`, as somebody at a terminal types it, inside this process."""

from __future__ import annotations

import io
from dataclasses import dataclass

from django.core.management import CommandError, call_command


@dataclass
class Ran:
    """What a command printed, and with what it ended."""

    out: str
    err: str
    failed: str = ""
    status: int = 0

    @property
    def code(self) -> str:
        """The code that was printed for an operator to read out."""
        return self.out.replace(" ", "").strip()


def manage(*arguments: str) -> Ran:
    """Run `manage.py otp_gate` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    failed, status = "", 0
    try:
        call_command("otp_gate", *arguments, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        # What Django prints in red, before it ends with this status.
        failed, status = str(error), error.returncode
    return Ran(out.getvalue(), err.getvalue(), failed, status)
