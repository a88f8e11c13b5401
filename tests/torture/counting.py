"""How much SQL an answer took, in its header X-SQL."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db.backends.signals import connection_created

# A list, for the threads of an asynchronous request get a copy of the context.
statements: ContextVar[list[str]] = ContextVar("statements")


def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if (seen := statements.get(None)) is not None:
        seen.append(sql)
    return execute(sql, params, many, context)


def watch(connection: Any, **_: Any) -> None:
    # The same object connects again and again.
    if note not in connection.execute_wrappers:
        connection.execute_wrappers.append(note)


connection_created.connect(watch)


class CountSQL:
    """Outermost: what any middleware asks of the database counts."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if iscoroutinefunction(self):
            return self.count_async(request)
        statements.set([])
        return self.tell(self.get_response(request))

    async def count_async(self, request: Any) -> Any:
        statements.set([])
        return self.tell(await self.get_response(request))

    def tell(self, response: Any) -> Any:
        response["X-SQL"] = str(len(statements.get()))
        return response
