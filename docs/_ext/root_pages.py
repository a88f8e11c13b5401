"""Pages whose text is a file of the repository's root; and links between here and there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

PAGES = {
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "reporting": "SECURITY.md",
}
"""Name of the page: file. The page itself only links to it, for who reads it in the repository."""


def read(app: Any, page: str, text: list[str]) -> None:
    """Put the file in place of the page, and turn links to files into links to pages."""
    inside = page in PAGES
    if inside:
        text[0] = (ROOT / PAGES[page]).read_text("utf-8")
    for target, name in PAGES.items():
        file = name if inside else f"../{name}"
        text[0] = text[0].replace(f"]({file})", f"]({target}.md)")
    if inside:
        text[0] = re.sub(r"\]\(docs/", "](", text[0])


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
