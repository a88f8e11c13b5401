"""The scripts that Redis runs, from the files of `lua/`, with the project's limits before them."""

from __future__ import annotations

import re
from functools import cached_property
from hashlib import sha1
from pathlib import Path

from otp_gate.conf import GateConfig, gate_config
from otp_gate.limits import as_constants


class Script:
    """A script of `lua/`, put together when it is run first: `--@ name` stands for another file.

    Args:
        limited: put the limits of the project before it, see `limits.as_constants`.
    """

    def __init__(self, name: str, *, limited: bool = False) -> None:
        self.name = name
        self.limited = limited
        self.ready: tuple[GateConfig | None, str, str] | None = None

    @cached_property
    def text(self) -> str:
        folder = Path(__file__).parent / "lua"

        def read(name: str) -> str:
            text = (folder / f"{name}.lua").read_text("utf-8")
            return re.sub(r"^--@ (\w+)$", lambda match: read(match[1]), text, flags=re.M)

        return read(self.name)

    def in_force(self) -> tuple[str, str]:
        """Return the name by which Redis knows it, and its source, under the limits in force."""
        config = gate_config() if self.limited else None
        ready = self.ready
        # Asked for as one tuple: another thread may put it together at the same time.
        if ready is None or ready[0] is not config:
            source = self.text if config is None else as_constants(config, self.text) + self.text
            digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
            ready = self.ready = config, digest, source
        return ready[1], ready[2]

    @property
    def digest(self) -> str:
        return self.in_force()[0]

    @property
    def source(self) -> str:
        return self.in_force()[1]


ISSUE = Script("issue", limited=True)
LOOK = Script("look", limited=True)
VERIFY = Script("verify", limited=True)
CLAIM = Script("claim", limited=True)
SETTLE = Script("settle", limited=True)
WITHDRAW = Script("withdraw", limited=True)
DISCARD = Script("discard")
DISOWN = Script("disown", limited=True)
OPERATOR = Script("operator", limited=True)
UNLOCK = Script("unlock", limited=True)
STATUS = Script("status", limited=True)
SHARED = Script("shared", limited=True)
WINDOW = Script("window")
ALARM = Script("alarm")
COUNT = Script("count")
KEEP = Script("keep")
TAKE = Script("take")
DROP = Script("drop")
COUNTED = Script("counted")
PROBE = Script("probe")
