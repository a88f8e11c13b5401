"""The switch: while the gate is open, whoever is logged in counts as verified, this very moment.

It exchanges the few functions by which the gate asks how far a session has come, and puts them
back. So it holds in every thread and under ASGI, and a site that serves people carries no hook for
it. A session is looked up as for anybody who is verified; nothing is written, nobody else asked.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, NamedTuple, TypeVar, overload
from unittest import TestCase

from asgiref.sync import iscoroutinefunction

from otp_gate import session

FACTOR = "testing"
"""What `request.otp_gate.factor` says of a session that no code has opened."""

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Exchange(NamedTuple):
    """One function of the gate, and what stands in for it while the gate is open."""

    module: Any
    name: str
    real: Any
    stand_in: Any


@cache
def exchanges() -> list[Exchange]:
    """Return what an open gate exchanges; known once Django is set up."""
    # Not above: it wants the models, and a conftest may be imported before there are any.
    from otp_gate import receivers

    real_begin_login = session.begin_login

    def fresh_mark(data: Mapping[str, Any], user_id: str | None) -> Any:
        mark = data.get(session.MARKS, session.NOTHING).get(user_id)
        return [time.time(), FACTOR if mark is None else mark[1]]

    def is_one(data: Mapping[str, Any], user_id: str | None, other: str | None) -> bool:
        return True

    def pending_of(data: Mapping[str, Any]) -> None:
        # No code is on its way, so that no log-out asks Redis to forget one.
        return None

    def begin_login(session: Any, *, held: bool) -> None:
        real_begin_login(session, held=False)

    def requires(policy: Any, request: Any) -> bool:
        # A policy may ask the database at each login.
        return False

    return [
        *(exchange(session, item) for item in (fresh_mark, is_one, pending_of, begin_login)),
        exchange(receivers, requires),
    ]


def exchange(module: Any, stand_in: Callable[..., Any]) -> Exchange:
    """Return the exchange of the function that goes by the name of its stand-in."""
    name = stand_in.__name__
    return Exchange(module, name, getattr(module, name), stand_in)


class Turn:
    """One turn of the switch, as a context manager and as a decorator.

    Decorates functions, `async def` functions, and test cases (for the whole of the class, with
    its `setUpTestData`).

    Turns may be nested and may overlap (two tests on one event loop): the last one that has not
    ended counts.
    """

    # Shared by all threads, as what it exchanges is.
    lock = threading.Lock()
    going_on: list[Turn] = []  # noqa: RUF012

    def __init__(self, is_open: bool) -> None:
        self.is_open = is_open

    def __enter__(self) -> None:
        with self.lock:
            self.going_on.append(self)
            self.apply()

    def __exit__(self, *error: object) -> None:
        with self.lock:
            # From the end: a turn that is nested in itself ends where it was begun last.
            self.going_on.reverse()
            self.going_on.remove(self)
            self.going_on.reverse()
            self.apply()

    def apply(self) -> None:
        is_open = bool(self.going_on) and self.going_on[-1].is_open
        for item in exchanges():
            setattr(item.module, item.name, item.stand_in if is_open else item.real)

    def __call__(self, decorated: Decorated) -> Decorated:
        """Decorate.

        Raises:
            TypeError: a generator, which would run when the turn is over; a class that is none of
                `unittest`.
        """
        if isinstance(decorated, type):
            return self.around_class(decorated)  # type: ignore[return-value]
        if inspect.isgeneratorfunction(decorated) or inspect.isasyncgenfunction(decorated):
            raise TypeError(
                f"{decorated.__qualname__} is a generator, which runs after the decorator is "
                "done: write `with` inside it."
            )
        if iscoroutinefunction(decorated):

            @wraps(decorated)
            async def around(*args: Any, **kwargs: Any) -> Any:
                with Turn(self.is_open):
                    return await decorated(*args, **kwargs)

        else:

            @wraps(decorated)
            def around(*args: Any, **kwargs: Any) -> Any:
                with Turn(self.is_open):
                    return decorated(*args, **kwargs)

        return around  # type: ignore[return-value]

    def around_class(self, case: type) -> type:
        if not issubclass(case, TestCase):
            raise TypeError(
                f"{case.__qualname__} is no unittest.TestCase. On a class of pytest's write "
                f'@pytest.mark.usefixtures("gate_{"open" if self.is_open else "shut"}").'
            )
        is_prepared = hasattr(case, "otp_gate_is_open")
        case.otp_gate_is_open = self.is_open  # type: ignore[attr-defined]
        if is_prepared:  # By a base class: the turn of the class itself is the one that counts.
            return case
        own = case.__dict__.get("setUpClass")

        def setUpClass(cls: Any) -> None:
            turn_for(cls)
            if own is None:
                super(case, cls).setUpClass()  # type: ignore[misc]
            else:
                own.__get__(None, cls)()

        case.setUpClass = classmethod(setUpClass)  # type: ignore[assignment]
        return case


def turn_for(case: Any) -> None:
    """Turn the switch for as long as a test case lasts, if the class wants it turned."""
    if case.otp_gate_is_open is not None:
        case.enterClassContext(Turn(case.otp_gate_is_open))


@overload
def gate_open() -> Turn: ...
@overload
def gate_open(decorated: Decorated, /) -> Decorated: ...
def gate_open(decorated: Any = None, /) -> Any:
    """Let every login count as verified, also those made before, until this ends.

    `with gate_open():`, or `@gate_open()` on a function, an `async def` or a test case. Inside,
    `request.otp_gate.status` is "verified" and step-up views pass. No code is sent, no query is
    added to those of a verified session, and nothing asks Redis.
    """
    return Turn(True) if decorated is None else Turn(True)(decorated)


@overload
def gate_shut() -> Turn: ...
@overload
def gate_shut(decorated: Decorated, /) -> Decorated: ...
def gate_shut(decorated: Any = None, /) -> Any:
    """Inside `gate_open`: let the gate be as it is in production. Used as `gate_open` is."""
    return Turn(False) if decorated is None else Turn(False)(decorated)
