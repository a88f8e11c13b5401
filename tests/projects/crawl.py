"""Play one project through, gated or not; print what was seen. Run in the project's environment.

GATED=1 PROJECT_FOLDER=... python -m tests.projects.crawl wagtail
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from importlib.metadata import version
from itertools import product
from typing import Any

import time_machine

from tests.projects.addresses import addresses
from tests.projects.contract import Project
from tests.projects.three_lines import GATED

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
VERIFY = "/otp/"
TOKENS = (
    r"[A-Za-z0-9]{64}",  # CSRF tokens
    r'nonce="[^"]+"',
    r"'nonce-[^']+'",
    r"<bdi>\w{2,6}\*+</bdi>",  # what the admin shows of a password's hash
)
SESSIONS = {"django_session", "qsessions_session", "user_sessions_session"}
RAN: list[str] = []


def record_views() -> None:
    """Note each view that really runs, right where Django calls it; the gate's own do not count."""
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction
    from django.core.handlers.base import BaseHandler

    original = BaseHandler.make_view_atomic

    def make_view_atomic(self: Any, view: Any) -> Any:
        made = original(self, view)
        if getattr(view, "otp_gate_own", False):
            return made

        @wraps(view)
        def recorded(request: Any, *args: Any, **kwargs: Any) -> Any:
            name = getattr(view, "__qualname__", type(view).__qualname__)
            RAN.append(f"{request.method} {request.path} ({view.__module__}.{name})")
            return made(request, *args, **kwargs)

        return markcoroutinefunction(recorded) if iscoroutinefunction(made) else recorded

    BaseHandler.make_view_atomic = make_view_atomic


def rows(without: tuple[str, ...]) -> dict[str, str]:
    """Return what is in each table, as one digest, but for sessions: the gate's own mark is there."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in {*SESSIONS, *without}:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
                content = "\n".join(sorted(map(repr, cursor.fetchall())))
                found[table] = hashlib.sha256(content.encode()).hexdigest()
    return found


def forget_sessions() -> None:
    """Delete all sessions: in some projects they are on pages, in the order of their keys."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in SESSIONS.intersection(connection.introspection.table_names(cursor)):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608


def is_gate(response: Any) -> bool:
    """True for what the gate says to who opens a page: go there and type in the code."""
    never_stored = "no-store" in response.headers.get("Cache-Control", "")
    to_page = response.status_code == 302 and response["Location"].partition("?")[0] == VERIFY
    return never_stored and to_page


def is_problem(response: Any) -> bool:
    """True for what the gate says to a program: a problem document that names the page."""
    never_stored = "no-store" in response.headers.get("Cache-Control", "")
    if not never_stored or response.status_code != 403:
        return False
    if response.headers["Content-Type"] != "application/problem+json":
        return False
    # Of the answer to HEAD there is nothing else to be seen.
    return not response.content or json.loads(response.content)["code"] == "otp_required"


CLIENTS: tuple[tuple[dict[str, str], Callable[[Any], bool]], ...] = (
    ({}, is_gate),
    ({"accept": "application/json"}, is_problem),
)
"""Who asks while half-authenticated, and what must answer."""


def type_code(client: Any) -> None:
    from django.core import mail

    page = client.get(VERIFY)
    assert page.status_code == 200, page
    found = re.search(r"^\s*(\d{3}) ?(\d{3})\s*$", mail.outbox[-1].body, re.MULTILINE)
    assert found is not None
    response = client.post(VERIFY, {"code": found[1] + found[2]})
    assert response.status_code == 302, response


@contextmanager
def undone() -> Iterator[None]:
    """Let a request leave nothing behind: each must find what the one before found."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def tell(project: Project, clock: Any) -> tuple[list[str], list[str]]:
    """Play the stories of a project; return those that hold, and what was wrong with the others."""
    from django.core.cache import cache
    from django.test import Client

    from tests.browsers import AsyncBrowser

    def browser() -> Any:
        return Client(raise_request_exception=False)

    def async_browser() -> Any:
        return AsyncBrowser(browser())

    held, broken = [], []
    for (name, story), make in product(project.stories.items(), (browser, async_browser)):
        cache.clear()
        clock.shift(3600)
        title = f"{name} ({'WSGI' if make is browser else 'ASGI'})"
        with undone():
            try:
                story(make)
            except Exception as error:
                lines = traceback.format_exception(error)
                broken.append(f"{title}:\n{''.join(lines[-3:])}")
            else:
                held.append(title)
    return held, broken


def answer(response: Any, unstable: tuple[str, ...]) -> dict[str, Any]:
    """Return what a browser sees of an answer, without what never is the same twice."""
    content = b"".join(response) if response.streaming else response.content
    text = content.decode("utf-8", "backslashreplace")
    headers = {name.lower(): value for name, value in response.headers.items()}
    headers.pop("content-length", None)  # Of what has been made alike below.
    found = {
        "status": response.status_code,
        "headers": headers,
        "cookies": sorted(response.cookies),
        "body": text,
    }
    told = json.dumps(found, sort_keys=True, ensure_ascii=False)
    for pattern in (*TOKENS, *unstable):
        told = re.sub(pattern, "~", told)
    return json.loads(told)  # type: ignore[no-any-return]


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    name = sys.argv[1]
    import django
    from django.core.management import call_command
    from django.test import Client
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    call_command("migrate", verbosity=0)
    project: Project = import_module(f"tests.projects.{name}.project").PROJECT
    record_views()

    def browser() -> Any:
        return Client(raise_request_exception=False)

    def half() -> Any:
        client = browser()
        next(iter(project.roads.values()))(client)
        RAN.clear()
        return client

    found: dict[str, Any] = {"roads": [], "seen": {}, "odd": [], "ran": []}
    with time_machine.travel(NOW, tick=False) as clock:
        project.prepare()
        paths, missed = addresses(project.samples)
        found["missed"] = missed
        for road, log_in in project.roads.items():
            clock.shift(3600)
            client = browser()
            log_in(client)
            assert "_auth_user_id" in client.session, f"{road} logs nobody in"
            if GATED:
                assert is_gate(client.get(project.inside)), f"{road} leads past the gate"
                type_code(client)
            response = client.get(project.inside)
            assert response.status_code == 200, (road, response, response.headers)
            found["roads"].append(road)
        requests = 0
        if GATED:
            clock.shift(3600)
            with undone():  # Or its logins would be on pages that list logins.
                client = half()
                before = rows(project.logs)
                for path, method, (headers, is_refusal) in product(paths, METHODS, CLIENTS):
                    response = client.generic(method, path, headers=headers)
                    requests += 1
                    if path.startswith(VERIFY):
                        if "_auth_user_id" not in client.session:  # Signed out, as the page offers.
                            found["ran"] += RAN
                            client = half()  # At the same moment, or the time of the login differs.
                    elif not is_refusal(response):
                        found["odd"].append(f"{method} {path} {headers}: {response.status_code}")
                found["ran"] += RAN
                after = rows(project.logs)
                found["odd"] += [
                    f"rows of {table}" for table in before if before[table] != after[table]
                ]
        # At the same moment with the gate and without it.
        clock.move_to(NOW.replace(day=16))
        forget_sessions()
        client = browser()
        next(iter(project.roads.values()))(client)
        if GATED:
            type_code(client)
        for who, cookies in (("verified", dict(client.cookies)), ("anonymous", {})):
            for path in paths:
                if path.startswith(VERIFY):
                    continue
                for method in METHODS:
                    visitor = browser()
                    for key, morsel in cookies.items():
                        if key != "messages":
                            visitor.cookies[key] = morsel.value
                    with undone():
                        response = visitor.generic(method, path)
                        seen = answer(response, project.unstable)
                    requests += 1
                    found["seen"][f"{who} {method} {path}"] = seen
        # Where both are turned away alike, nothing was compared.
        assert found["seen"][f"verified GET {project.inside}"]["status"] == 200
        found["stories"], found["broken"] = tell(project, clock) if GATED else ([], [])
    found |= {
        "requests": requests,
        "urls": len(paths),
        "versions": {name: version(name) for name in (*project.packages, "django")},
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
