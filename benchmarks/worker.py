"""One contender in a process of its own: does what the runner asks over pipes, and says how long.

    python -m benchmarks.worker   (BENCH_CONTENDER, BENCH_DATABASE, BENCH_REDIS, BENCH_ENGINE)

A line of JSON in, a line of JSON out. Nothing else may reach standard output.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks import apart, meters, project, within
from benchmarks.people import CannotDo, People
from benchmarks.scenarios import (
    BY_ITSELF,
    FROM_NOTHING,
    PARTS,
    REQUESTS,
    RIGHT,
    STEPS,
    TURNED_AWAY,
    Scenario,
)
from benchmarks.wire import acall, call, environ, scope


class Worker(People):
    def __init__(self) -> None:
        project.set_up()
        from django.core.handlers.asgi import ASGIHandler
        from django.core.handlers.wsgi import WSGIHandler
        from django.core.management import call_command

        call_command("migrate", verbosity=0, stdout=sys.stderr)
        super().__init__()
        self.wsgi: dict[str, Any] = {}
        self.asgi: dict[str, Any] = {}
        self.parted: dict[str, dict[str, Any]] = {}
        self.loop = asyncio.new_event_loop()
        for engine in project.ENGINES:
            self.use(engine)
            self.wsgi[engine], self.asgi[engine] = WSGIHandler(), ASGIHandler()

    def use(self, engine: str) -> None:
        """Choose a session engine: whatever needs it reads the setting."""
        from django.conf import settings

        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    def refuse_lacking(self, scenario: Scenario) -> None:
        told = scenario.name.split(", ")
        for part, why in getattr(self.contender, "LACKS", {}).items():
            if set(part.split(", ")) <= set(told):
                raise CannotDo(why)

    # What is done again and again

    def action(self, scenario: Scenario) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        """Return what comes before each time, untimed, and what is timed."""
        self.refuse_lacking(scenario)
        self.use(scenario.engine)
        if scenario.group == "code":
            return self.step(scenario)
        kind, path = REQUESTS[scenario.what]
        cookie = self.cookie(kind, scenario.engine)
        if scenario.group == "asgi":
            path = path.replace("/", "/a", 1)
            handler = self.asgi[scenario.engine]
            return lambda: scope(path, cookie), lambda given: acall(handler, given)
        handler = self.wsgi[scenario.engine]
        return lambda: environ(path, cookie), lambda given: call(handler, given)

    def step(self, scenario: Scenario) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        contender = self.contender
        name = STEPS[scenario.what]
        function = getattr(contender, name, None)
        prepare = getattr(contender, f"before_{name}", None)
        if function is None:
            raise CannotDo("it has no such step")
        if scenario.what in BY_ITSELF:
            return (lambda: None), lambda _: function()

        def before() -> list[Any]:
            from django.core import mail

            mail.outbox = []
            request, user = self.request(scenario.engine), self.fresh_user()
            getattr(contender, "begin", getattr(contender, "half", nothing))(request, user)
            arguments = [request, user]
            if scenario.what not in FROM_NOTHING:
                code = self.code(request, user)
                arguments += [code] if scenario.what == RIGHT else []
            if prepare is not None:
                arguments = [prepare(request, user)]
            request.session.save()
            request.session.modified = False
            return [request.session, arguments]

        def act(given: list[Any]) -> None:
            session, arguments = given
            done = function(*arguments)
            if scenario.what == RIGHT and done is not True:
                raise RuntimeError("the right code was refused")
            if session.modified:  # As SessionMiddleware does in the end.
                session.save()

        return before, act

    def code(self, request: Any, user: Any) -> str:
        """Return a code that is right now."""
        for name in ("code", "issue", "send"):
            if make := getattr(self.contender, name, None):
                return str(make(request, user))
        raise CannotDo("it has no codes")

    # What the runner may ask

    def run(self, scenario: Scenario, times: int) -> dict[str, Any]:
        """Do it so many times; return how long each took, and the mean CPU of one, in µs."""
        before, act = self.action(scenario)
        walls: list[int] = []
        cpu = 0
        with within.no_garbage():
            if scenario.group == "asgi":
                cpu = self.loop.run_until_complete(together(before, act, times, walls))
            else:
                for _ in range(times):
                    given = before()
                    started, used = time.perf_counter_ns(), time.process_time_ns()
                    act(given)
                    cpu += time.process_time_ns() - used
                    walls.append(time.perf_counter_ns() - started)
        return {"walls": [wall / 1e3 for wall in walls], "cpu": cpu / times / 1e3}

    def within(self, scenario: Scenario, times: int) -> dict[str, Any]:
        """Take a scenario apart: what it is made of, or would be without the gate, in turn."""
        if scenario.group == "code":
            parts = [replace(scenario, what=what) for what in PARTS]
            return within.in_turn({part.what: self.action(part) for part in parts}, times)
        before, _ = self.action(scenario)
        [gate] = self.contender.MIDDLEWARE
        if scenario.engine not in self.parted:
            self.parted[scenario.engine] = within.handlers(gate)
        handlers = self.parted[scenario.engine]
        doing = {name: (before, partial(call, handler)) for name, handler in handlers.items()}
        return within.in_turn(doing, times)

    def count(self, scenario: Scenario) -> dict[str, Any]:
        """Do it once, and say what it did to others; and that it did what it should."""
        before, act = self.action(scenario)
        for _ in range(3):  # What is only the first time: scripts, caches, lazy imports.
            given = before()
            self.once(scenario, act, given)
        given = before()
        with meters.counting() as seen:
            status = self.once(scenario, act, given)
        if scenario.group != "code":
            wanted = (302, 303, 403) if scenario.what == TURNED_AWAY else (200,)
            if status not in wanted:
                raise CannotDo(f"the answer was {status}")
        return {name: seen[name] for name in (meters.SQL, meters.REDIS, meters.SAVES, meters.HOPS)}

    def once(self, scenario: Scenario, act: Callable[[Any], Any], given: Any) -> Any:
        if scenario.group == "asgi":
            return self.loop.run_until_complete(act(given))
        return act(given)

    def versions(self) -> dict[str, Any]:
        name = self.contender.DISTRIBUTION
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = import_module(name).__version__
        import django

        return {
            "title": self.contender.TITLE,
            "journey": getattr(self.contender, "JOURNEY", None),
            "version": version,
            "django": django.get_version(),
            "python": sys.version.split()[0],
        }

    def special(self, name: str, arguments: list[Any]) -> Any:
        """Do something that only this contender has; the runner passes on what others ask."""
        function = getattr(self.contender, name, None)
        if function is None:
            raise CannotDo(f"it has no {name}")
        return function(*arguments)


def nothing(request: Any, user: Any) -> None:
    pass


async def together(
    before: Callable[[], Any], act: Callable[[Any], Any], times: int, walls: list[int]
) -> int:
    """See `Worker.run`. In one thread context, so that a connection lives longer than a request."""
    from asgiref.sync import ThreadSensitiveContext

    cpu = 0
    async with ThreadSensitiveContext():
        for _ in range(times):
            given = before()
            started, used = time.perf_counter_ns(), time.process_time_ns()
            await act(given)
            cpu += time.process_time_ns() - used
            walls.append(time.perf_counter_ns() - started)
    return cpu


def main() -> None:
    # What a contender prints (a code, a warning) goes to the log.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker()
    answers.write(json.dumps(worker.versions()) + "\n")
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["do"] == "journey":
                answer = apart.journey(worker)
            elif asked["do"] == "special":
                answer = {"value": worker.special(asked["name"], asked["arguments"])}
            else:
                scenario = Scenario(**asked["scenario"])
                if asked["do"] == "count":
                    answer = worker.count(scenario)
                elif asked["do"] == "profile":
                    answer = apart.profile(*worker.action(scenario), asked["times"])
                elif asked["do"] == "calls":
                    answer = apart.calls(*worker.action(scenario), asked["times"])
                elif asked["do"] == "within":
                    answer = worker.within(scenario, asked["times"])
                else:
                    answer = worker.run(scenario, asked["times"])
        except CannotDo as error:
            answer = {"lacks": str(error)}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
