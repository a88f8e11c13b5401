"""What a view consists of: the functions that its decorators wrap, its handlers and its classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any


def layers(view: Any) -> Iterator[Any]:
    """Give a view, and what its decorators wrap."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def handlers(view: Any) -> Iterator[Any]:
    """Give the `dispatch` of a class view with each method that it may call; nothing of others."""
    for layer in layers(view):
        made_of = getattr(layer, "view_class", None)
        if made_of is not None:
            for name in ("dispatch", *made_of.http_method_names):
                if handler := getattr(made_of, name, None):
                    yield handler
            return


def parts(layer: Any) -> Iterator[Any]:
    """Give a function, and what it refers to: `method_decorator` keeps its decorators so."""
    yield layer
    for cell in getattr(layer, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # Not yet assigned.
            continue
        for item in content if isinstance(content, list | tuple) else (content,):
            yield item.func if isinstance(item, partial) else item


def code_of(part: Any) -> tuple[str, str]:
    """Return module and qualified name of a function's own code, which `wraps` does not change."""
    code = getattr(part, "__code__", None)
    if code is None:
        return "", ""
    return str(part.__globals__.get("__name__", "")), code.co_qualname


def ancestor(item: Any, names: frozenset[str]) -> str:
    """Return the class of these names that this class is, or is made from; without its module."""
    for base in item.__mro__ if isinstance(item, type) else ():
        if f"{base.__module__}.{base.__qualname__}" in names:
            return base.__qualname__
    return ""
