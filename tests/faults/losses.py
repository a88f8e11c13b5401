"""Answers of Redis that get lost, or that mean nothing, on whatever Redis the suite runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import TimeoutError as RedisTimeoutError

from otp_gate import store


@contextmanager
def answers_lost(after: int = 0) -> Iterator[list[tuple[Any, ...]]]:
    """Let Redis run every command, and lose all answers but the first `after`; give the commands.

    As a time-out: those are never repeated by the client library.
    """
    seen: list[tuple[Any, ...]] = []

    def lose(run: Callable[[], Any], *args: Any) -> Any:
        answer = run()
        seen.append(args)
        if len(seen) > after:
            raise RedisTimeoutError("Timeout reading from socket")
        return answer

    with commands(lose):
        yield seen


@contextmanager
def answering(answer: Any) -> Iterator[None]:
    """Let Redis answer every command with this, and run none."""
    with commands(lambda run, *args: answer):
        yield


@contextmanager
def commands(instead: Callable[..., Any]) -> Iterator[None]:
    """Call `instead(run, *args)` for each command of every client."""
    kind = type(store.client("default"))
    original = kind.execute_command

    def execute_command(self: Any, *args: Any, **options: Any) -> Any:
        return instead(lambda: original(self, *args, **options), *args)

    kind.execute_command = execute_command
    try:
        yield
    finally:
        kind.execute_command = original
