"""The page of settings, made from `otp_gate.conf`: nothing on it is typed twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from datetime import timedelta
from typing import Any

from sphinx.pycode import ModuleAnalyzer

from otp_gate import conf

NOTHING = object()


def docstrings(name: str) -> dict[str, str]:
    """Return what stands under each field of a class of `otp_gate.conf`."""
    found = ModuleAnalyzer.for_module("otp_gate.conf").find_attr_docs()
    return {
        field: " ".join(text).strip() for (owner, field), text in found.items() if owner == name
    }


def default(item: Any) -> str:
    """Return the default as somebody would type it."""
    value = item.metadata["default"]
    return repr(asdict(value) if is_dataclass(value) else value)


def refusal(check: Callable[[object], Any], value: object) -> str:
    """Return what somebody hears who sets this value; "" if it is accepted."""
    try:
        check(value)
    except ValueError as error:
        return str(error).removeprefix("it must ").removeprefix("be ")
    return ""


def accepted(check: Callable[[object], Any]) -> str:
    """Say in words what is accepted: in those in which the check refuses the rest."""
    words = [refusal(check, NOTHING)]
    if words == ["a whole number"]:
        least = refusal(check, -1)
        words[0] += f", {'0, or ' if not refusal(check, 0) else ''}{least}"
        if not refusal(check, timedelta(minutes=5)):
            words.append("a `timedelta`")
    text = " or ".join(words)
    if words == ["a list"]:
        text += f" (or tuple); of each entry: {refusal(check, [NOTHING])}"
        if refusal(check, []):
            text += f"; it must {refusal(check, [])}"
    if words == ["a dict"]:
        text += " with some of the keys below, each " + refusal(
            check, {conf.Failures.__slots__[0]: 0}
        )
    return f"`None`, or {text}" if not refusal(check, None) else text


def entries() -> list[str]:
    """Return the lines of the page, one section for each key."""
    lines, told = [], docstrings("GateConfig")
    for item in fields(conf.GateConfig):
        key = item.name.upper()
        lines += [f"## `{key}`", "", told[item.name], ""]
        lines += ["| default | accepted |", "|---|---|"]
        lines += [f"| `{default(item)}` | {accepted(item.metadata['check'])} |", ""]
        if item.name == "failures":
            lines += failures()
    return lines


def failures() -> list[str]:
    lines, told = ["| key | default | meaning |", "|---|---|---|"], docstrings("Failures")
    for item in fields(conf.Failures):
        lines.append(f"| `{item.name}` | `{item.default!r}` | {told[item.name]} |")
    return [*lines, ""]


def read(app: Any, page: str, text: list[str]) -> None:
    """Write the sections under what the page says itself."""
    if page == "settings":
        text[0] += "\n" + "\n".join(entries())


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
