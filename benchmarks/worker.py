"""One contender in a process of its own: does what the runner asks over pipes, and says how long.

    python -m benchmarks.worker   (BENCH_CONTENDER, BENCH_DATABASE, BENCH_REDIS, BENCH_ENGINE)

A line of JSON in, a line of JSON out. Nothing else may reach standard output.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import importlib.metadata
import json
import os
import pstats
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks import meters, project
from benchmarks.environments import ROOT
from benchmarks.mail import code_in
from benchmarks.scenarios import (
    FLOORS,
    ISSUED,
    REQUESTS,
    RIGHT,
    SENT,
    STEPS,
    TURNED_AWAY,
    Scenario,
)
from benchmarks.wire import acall, call, environ, scope


class CannotDo(Exception):
    """The contender does not have this; the text says why."""


class Worker:
    def __init__(self) -> None:
        project.set_up()
        from django.core.handlers.asgi import ASGIHandler
        from django.core.handlers.wsgi import WSGIHandler
        from django.core.management import call_command

        self.contender = project.contender()
        call_command("migrate", verbosity=0, stdout=sys.stderr)
        self.user = self.make_user()
        self.wsgi: dict[str, Any] = {}
        self.asgi: dict[str, Any] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.loop = asyncio.new_event_loop()
        for engine in project.ENGINES:
            self.use(engine)
            self.wsgi[engine], self.asgi[engine] = WSGIHandler(), ASGIHandler()

    def make_user(self) -> Any:
        from django.contrib.auth import get_user_model

        manager: Any = get_user_model().objects
        user = manager.filter(username="alice").first()
        if user is None:
            user = manager.create_user("alice", "alice@example.org", "correct horse")
        getattr(self.contender, "enrol", lambda user: None)(user)
        return user

    def use(self, engine: str) -> None:
        """Choose a session engine: the middleware and all else that asks for it read the setting."""
        from django.conf import settings

        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    def refuse_lacking(self, scenario: Scenario) -> None:
        told = scenario.name.split(", ")
        for part, why in getattr(self.contender, "LACKS", {}).items():
            if set(part.split(", ")) <= set(told):
                raise CannotDo(why)

    # People

    def request(self, engine: str) -> Any:
        """Return a request with an empty session and nobody in it, as the middleware leaves one."""
        from django.contrib.auth.middleware import AuthenticationMiddleware
        from django.contrib.messages.storage import default_storage
        from django.core.handlers.wsgi import WSGIRequest

        request: Any = WSGIRequest(environ("/open/", ""))
        store = import_module(f"django.contrib.sessions.backends.{engine}").SessionStore
        request.session = store()
        AuthenticationMiddleware(lambda request: None).process_request(request)
        request._messages = default_storage(request)
        request._dont_enforce_csrf_checks = True
        return request

    def person(self, kind: str, engine: str) -> Any:
        """Return the request of somebody who came as far as "half" or "verified", saved."""
        request = self.request(engine)
        function = getattr(self.contender, kind, None)
        if function is None:
            raise CannotDo(f"it knows no state {kind!r}")
        function(request, self.fresh_user())
        request.session.save()
        return request

    def fresh_user(self) -> Any:
        from django.contrib.auth import get_user_model

        user: Any = get_user_model().objects.get(pk=self.user.pk)
        getattr(self.contender, "fresh", lambda user: None)(user)
        return user

    def cookie(self, kind: str, engine: str) -> str:
        if kind == "nobody":
            return ""
        if (kind, engine) not in self.keys:
            self.keys[kind, engine] = str(self.person(kind, engine).session.session_key)
        return f"sessionid={self.keys[kind, engine]}"

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
        if scenario.what in FLOORS:
            return (lambda: None), lambda _: function()

        def before() -> list[Any]:
            from django.core import mail

            mail.outbox = []
            request, user = self.request(scenario.engine), self.fresh_user()
            getattr(contender, "begin", getattr(contender, "half", nothing))(request, user)
            arguments = [request, user]
            if scenario.what not in (ISSUED, SENT):
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

    # The three things that the runner may ask

    def run(self, scenario: Scenario, times: int) -> dict[str, Any]:
        """Do it so many times; return lower quartile and median (µs), and CPU of one (µs)."""
        before, act = self.action(scenario)
        walls: list[int] = []
        cpu = 0
        gc.collect()
        gc.disable()
        try:
            if scenario.group == "asgi":
                cpu = self.loop.run_until_complete(together(before, act, times, walls))
            else:
                for _ in range(times):
                    given = before()
                    started, used = time.perf_counter_ns(), time.process_time_ns()
                    act(given)
                    cpu += time.process_time_ns() - used
                    walls.append(time.perf_counter_ns() - started)
        finally:
            gc.enable()
        quiet, median, _ = statistics.quantiles(walls, n=4)
        return {"quiet": quiet / 1e3, "median": median / 1e3, "cpu": cpu / times / 1e3}

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

    def profile(self, scenario: Scenario, times: int) -> dict[str, float]:
        """Do it under a profiler; return the share of each package in the time."""
        before, act = self.action(scenario)
        profiler = cProfile.Profile()
        for _ in range(times):
            given = before()
            profiler.enable()
            act(given)
            profiler.disable()
        shares: Counter[str] = Counter()
        for (file, _, name), row in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
            shares[package_of(file, name)] += row[2]
        whole = sum(shares.values())
        return {name: share / whole for name, share in shares.most_common()}

    def journey(self) -> dict[str, float]:
        """Log in once, in this process; return the CPU (ms) of the hasher and of each step."""
        from django.contrib.auth.hashers import PBKDF2PasswordHasher
        from django.core import mail
        from django.test import Client

        self.fresh_user()
        mail.outbox = []
        client = Client()
        spent = dict.fromkeys(("hasher", "password", "send", "check"), 0.0)

        def timed(original: Any) -> Any:
            def encode(*args: Any) -> Any:
                started = time.process_time()
                try:
                    return original(*args)
                finally:
                    spent["hasher"] += time.process_time() - started

            return encode

        def step(name: str, method: str, path: str, fields: Any = None) -> None:
            started = time.process_time()
            response = getattr(client, method)(path, fields, headers={"Accept": "text/html"})
            spent[name] = time.process_time() - started
            if response.status_code not in (200, 302):
                raise RuntimeError(f"{path} answered {response.status_code}")

        with meters.replaced(PBKDF2PasswordHasher, "encode", timed):
            step("password", "post", "/login/", {"username": "alice", "password": "correct horse"})
        if way := self.contender.JOURNEY:
            step("send", "get", way["send"])
            code = code_in(str(mail.outbox[-1].body))
            step("check", "post", way["check"], {way["field"]: code})
        if client.get("/user/").content != b"alice":
            raise RuntimeError("the login led nowhere")
        spent["password"] -= spent["hasher"]
        return {name: seconds * 1e3 for name, seconds in spent.items()}

    def extra(self, name: str, arguments: list[Any]) -> Any:
        """Do something that only this contender has; the runner passes on what others ask."""
        function = getattr(self.contender, name, None)
        if function is None:
            raise CannotDo(f"it has no {name}")
        return function(*arguments)


def package_of(file: str, name: str) -> str:
    """Return to whom a function belongs, in the words of the tables."""
    if file.startswith(f"{ROOT}/otp_gate/"):
        return "otp_gate"
    for known in ("django_redis", "django", "redis", "pyotp", "asgiref"):
        if f"/site-packages/{known}/" in file:
            return "redis-py" if known in ("redis", "django_redis") else known
    if "socket" in name:
        return "waiting for Redis"
    return "Python itself"


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
                answer = worker.journey()
            elif asked["do"] == "extra":
                answer = {"value": worker.extra(asked["name"], asked["arguments"])}
            else:
                scenario = Scenario(**asked["scenario"])
                if asked["do"] == "count":
                    answer = worker.count(scenario)
                elif asked["do"] == "profile":
                    answer = worker.profile(scenario, asked["times"])
                else:
                    answer = worker.run(scenario, asked["times"])
        except CannotDo as error:
            answer = {"lacks": str(error)}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
