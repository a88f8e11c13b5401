"""Mail that another process can read: the last one to each address, in a file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any


def code_in(body: str) -> str:
    """Return the code in a mail: digits that stand alone in a line."""
    found = re.search(r"^\s*(\d{3}) ?(\d{3})\s*$", body, re.MULTILINE)
    if found is None:
        raise ValueError("no code in this mail")
    return found[1] + found[2]


class FileBackend:
    """An email backend; written beside and moved, so that nobody reads half a mail."""

    def __init__(self, **kwargs: Any) -> None:
        self.folder = Path(os.environ["BENCH_MAIL"])

    def send_messages(self, messages: list[Any]) -> int:
        for message in messages:
            path = self.folder / message.to[0]
            beside = path.with_suffix(f".{os.getpid()}")
            beside.write_text(message.body, "utf-8")
            beside.replace(path)
        return len(messages)
