"""Whether a view of Django REST framework changes the address that codes go to.

Known by what the view does: by the fields that its serializers write, and by what the code of its
handlers assigns. Nobody runs a handler for it. The name of a view says nothing: `set_username` of
djoser changes the email address where that is the name to log in by.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from inspect import getattr_static
from itertools import pairwise
from types import CodeType
from typing import Any

from django.contrib.auth import get_user_model

from otp_gate.inventory.layers import layers, parts

CHANGES = frozenset({"put", "patch", "post"})
CREATE = frozenset({"post", "create"})
"""Handlers that make something new by a serializer, and change nobody's address by it."""

UPDATES = frozenset({"update", "aupdate"})


def changes_address(layer: Any, made_of: Any, given: dict[str, Any]) -> bool:
    """Return True if a view writes the email address of a user.

    Args:
        layer: the view; that of a viewset knows which action answers which method.
        made_of: the class that the view was made of.
        given: what `as_view()` was given.
    """
    email = get_user_model().get_email_field_name()
    for name in sorted(handlers(layer, made_of)):
        serializer = serializer_of(made_of, given, name)
        if name not in CREATE and writes(serializer, email):
            return True
        starts = [(made_of, name), (serializer, "save"), (serializer, "update")]
        if any(assigns(code, email) for start in starts for code in codes(*start)):
            return True
    return False


def handlers(layer: Any, made_of: Any) -> set[str]:
    """Return the names of the methods of the class that answer to what changes something."""
    actions = getattr(layer, "actions", None) or {name: name for name in CHANGES}
    return {
        name
        for method, name in actions.items()
        if method in CHANGES and callable(getattr(made_of, name, None))
    }


def serializer_of(made_of: Any, given: dict[str, Any], action: str) -> Any:
    """Return the serializer of one action, asked for as schema generators of the framework do."""
    try:
        view = made_of(**given)
        view.action, view.request, view.kwargs = action, None, {}
        return view.get_serializer_class()
    except Exception:  # It may want a request, or not be there.
        return given.get("serializer_class", getattr(made_of, "serializer_class", None))


def writes(serializer: Any, email: str) -> bool:
    """Return True if a serializer of the user model writes this field, under whatever name."""
    meta: Any = getattr(serializer, "Meta", None)
    if getattr(meta, "model", None) is not get_user_model():
        return False
    fields = getattr(meta, "fields", "__all__")
    return (
        (fields == "__all__" or email in fields)
        and email not in (getattr(meta, "exclude", None) or ())
        and email not in (getattr(meta, "read_only_fields", None) or ())
    )


def codes(made_of: Any, name: str) -> Iterator[CodeType]:
    """Give the code of a method, of what its decorators wrap, and of what it calls on its class."""
    names, known = [name], {name}
    while names:
        # Statically: a property of a class may do anything when it is asked.
        method = getattr_static(made_of, names.pop(), None)
        wrapped = [item for layer in layers(method) for item in parts(layer)]
        waiting = [code for item in wrapped if (code := getattr(item, "__code__", None))]
        while waiting:
            code = waiting.pop()
            yield code
            waiting += [item for item in code.co_consts if isinstance(item, CodeType)]
            further = asked_of_self(code) - known
            names += further
            known |= further


def asked_of_self(code: CodeType) -> set[str]:
    """Return the names that code asks `self` for; an object of another kind has its own."""
    return {
        str(step.argval)
        for before, step in pairwise(dis.get_instructions(code))
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and loads_self(before)
    }


def loads_self(step: dis.Instruction) -> bool:
    """Return True for a step that loads `self`; some versions of Python load two names in one."""
    loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) and loaded[-1] == "self"


def assigns(code: CodeType, email: str) -> bool:
    """Return True for code that sets the attribute or the column of this name.

    `user.email = …`, `setattr(user, "email", …)`, `.update(email=…)`; or by USERNAME_FIELD, where
    that is the email address.
    """
    fields = {"EMAIL_FIELD", "get_email_field_name"}
    if email == get_user_model().USERNAME_FIELD:
        fields.add("USERNAME_FIELD")
    names = set(code.co_names)
    if "setattr" in names and (email in code.co_consts or fields & names):
        return True
    updates = False
    for step in dis.get_instructions(code):
        if step.opname == "STORE_ATTR" and step.argval == email:
            return True
        if step.opname.startswith("LOAD") and step.argval in UPDATES:
            updates = True
        # The names of the arguments of a call; Python 3.11 gives the number of the constant only.
        named: Any = code.co_consts[step.arg or 0] if step.opname == "KW_NAMES" else step.argval
        if isinstance(named, tuple) and step.opname in ("KW_NAMES", "LOAD_CONST"):
            if updates and email in named:
                return True
            updates = False
    return False
