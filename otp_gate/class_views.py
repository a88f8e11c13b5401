"""Decorators of function views, put on class views: only the class that is named is changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import unwrap
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.utils.decorators import classonlymethod

from otp_gate.exemptions import View

Decorator = Callable[[View], View]


def decorate_as_view(view_class: Any, decorate: Decorator) -> Any:
    """Return a class whose `as_view` is decorated; that of its subclasses is not.

    Raises:
        TypeError: it is no class of views.
    """
    decorated = renewed(view_class)
    inner = next_method("as_view", view_class, decorated)

    def as_view(cls: Any, *args: Any, **kwargs: Any) -> Any:
        view = inner(cls)(*args, **kwargs)
        return decorate(view) if cls is decorated else view

    decorated.as_view = classonlymethod(as_view)
    return decorated


def decorate_dispatch(view_class: Any, decorate: Decorator) -> Any:
    """Return a class whose `dispatch` is decorated, and with it that of its subclasses.

    Django's `method_decorator` makes no coroutine of an async `dispatch` before Django 6.0.

    Raises:
        TypeError: it is no class of views.
    """
    decorated = renewed(view_class)
    inner = next_method("dispatch", view_class, decorated)

    @wraps(view_class.dispatch)
    def dispatch(self: Any, *args: Any, **kwargs: Any) -> Any:
        def bound(*args: Any, **kwargs: Any) -> Any:
            return inner(self)(*args, **kwargs)

        if getattr(self, "view_is_async", False):  # Asked here: a subclass may have made it so.
            markcoroutinefunction(bound)
        return decorate(bound)(*args, **kwargs)

    decorated.dispatch = dispatch
    return decorated


def renewed(view_class: Any) -> Any:
    """Return a subclass of the same name, so that the class itself stays what it is elsewhere.

    Or the class itself, where a method says `super(Name, self)` of a name that is not bound yet:
    in a subclass that takes this name, the method would call itself for ever; and no other name
    leads to the class yet.
    """
    if not hasattr(view_class, "as_view"):
        raise TypeError(f"{view_class.__qualname__} has no as_view(): decorate the view itself.")
    if calls_super_by_own_name(view_class):
        return view_class
    same = {name: getattr(view_class, name) for name in ("__module__", "__qualname__", "__doc__")}
    # Since Python 3.13 `inspect` finds the source of a class by it.
    same |= {key: it for key, it in vars(view_class).items() if key == "__firstlineno__"}
    return type(view_class)(view_class.__name__, (view_class,), same)


def next_method(name: str, view_class: Any, decorated: Any) -> Callable[[Any], Any]:
    """Return what binds the method that a decorated one calls to an object, or to a class."""
    own = vars(view_class).get(name) if decorated is view_class else None

    def bind(target: Any) -> Any:
        if own is None:
            return getattr(super(decorated, target), name)
        return own.__get__(None, target) if isinstance(target, type) else own.__get__(target)

    return bind


def calls_super_by_own_name(view_class: type) -> bool:
    """True if a method says `super(Name, self)`, and Name is to be what the decorator returns."""
    name = view_class.__name__
    for item in vars(view_class).values():
        function = unwrap(item) if callable(item) else item
        code = getattr(function, "__code__", None)
        if code is None or "super" not in code.co_names:
            continue
        if name in code.co_freevars:
            bound = cell_contents(function.__closure__[code.co_freevars.index(name)])
        elif name in code.co_names:
            bound = function.__globals__.get(name)
        else:
            continue
        if bound is not view_class:
            return True
    return False


def cell_contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # The name is not bound yet.
        return None
