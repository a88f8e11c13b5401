"""What is done in turn within one process, call by call, where a few µs are to be told apart.

Between two processes they cannot be: where the memory of each happens to lie makes one of two
that do the same slower by as much, and a machine that changes its speed does so between batches.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Action = tuple[Callable[[], Any], Callable[[Any], Any]]
"""What comes before each time, untimed, and what is timed."""

WITHOUT, EMPTY, WITH = "without the gate", "an empty middleware in its place", "with the gate"
FLOOR = "a middleware that only looks for the mark"


class EmptyMiddleware:
    """What any middleware with two doors costs."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> None:
        return None


class FloorMiddleware(EmptyMiddleware):
    """The least that any gate does: read the session, look for the mark, or redirect.

    It sees no other user, no login further in, no own page, no exempt view, no kind of client.
    """

    def __call__(self, request: Any) -> Any:
        from django.http import HttpResponseRedirect

        session = request.session
        if session.session_key is not None:
            accessed = session.accessed
            data = session._get_session()
            session.accessed = accessed
            user_id = data.get("_auth_user_id")
            if user_id is not None and user_id not in data.get("_otp_gate_verified", ()):
                return HttpResponseRedirect("/otp/")
        return self.get_response(request)


def handlers(gate: str) -> dict[str, Any]:
    """Return the site of this process with the gate, without, and with others in its place."""
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    complete = settings.MIDDLEWARE
    empty, floor = (f"{__name__}.{item.__name__}" for item in (EmptyMiddleware, FloorMiddleware))
    chains = {
        WITHOUT: [line for line in complete if line != gate],
        EMPTY: [empty if line == gate else line for line in complete],
        FLOOR: [floor if line == gate else line for line in complete],
        WITH: complete,
    }
    found = {}
    for name, chain in chains.items():
        settings.MIDDLEWARE = chain
        found[name] = WSGIHandler()
    settings.MIDDLEWARE = complete
    return found


def in_turn(actions: dict[str, Action], times: int) -> dict[str, dict[str, float]]:
    """Do each so many times, in an order drawn anew each time; return what `quiet` says of each."""
    draw = random.Random(0)  # noqa: S311 - an order, and no secret
    order = list(actions)
    walls: dict[str, list[int]] = {name: [] for name in order}
    cpus: dict[str, list[int]] = {name: [] for name in order}
    with no_garbage():
        for _ in range(times):
            draw.shuffle(order)
            for name in order:
                before, act = actions[name]
                given = before()
                started, used = time.perf_counter_ns(), time.process_time_ns()
                act(given)
                cpus[name].append(time.process_time_ns() - used)
                walls[name].append(time.perf_counter_ns() - started)
    return {
        name: {"quiet": quiet(walls[name]) / 1e3, "cpu": quiet(cpus[name]) / 1e3}
        for name in actions
    }


def quiet(taken: Sequence[float]) -> float:
    """Return the lower quartile."""
    return statistics.quantiles(taken, n=4)[0]


@contextmanager
def no_garbage() -> Iterator[None]:
    """Collect the garbage before, and none meanwhile; what is left is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
