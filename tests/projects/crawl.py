"""Play one project through, gated or not; print what was seen. Run in the project's environment.

GATED=1 PROJECT_FOLDER=... python -m tests.projects.crawl wagtail
"""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from importlib.metadata import version
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
RAN: list[str] = []


def record_views() -> None:
    """Note each view that really runs, right where Django calls it; the gate's own do not count."""
    from asgiref.sync import iscoroutinefunction
    from django.core.handlers.base import BaseHandler

    original = BaseHandler.make_view_atomic

    def make_view_atomic(self: Any, view: Any) -> Any:
        made = original(self, view)
        if getattr(view, "otp_gate_own", False) or iscoroutinefunction(made):
            return made

        @wraps(view)
        def recorded(request: Any, *args: Any, **kwargs: Any) -> Any:
            RAN.append(f"{request.method} {request.path} ({view.__module__}.{view.__qualname__})")
            return made(request, *args, **kwargs)

        return recorded

    BaseHandler.make_view_atomic = make_view_atomic


def rows() -> dict[str, int]:
    """Return how many rows each table has, but for sessions."""
    from django.apps import apps
    from django.db import connection

    tables = set(connection.introspection.table_names()) - {"django_session"}
    return {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.db_table in tables
    }


def is_gate(response: Any) -> bool:
    """True for the answers of the gate: a redirect to its page, or a refusal; never stored."""
    never_stored = "no-store" in response.headers.get("Cache-Control", "")
    to_page = response.status_code == 302 and response["Location"].partition("?")[0] == VERIFY
    return never_stored and (to_page or response.status_code == 403)


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

    found: dict[str, Any] = {"roads": [], "seen": {}, "odd": [], "ran": []}
    with time_machine.travel(NOW, tick=False) as clock:
        project.prepare()
        paths = list(addresses(project.samples))
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
            client = browser()
            next(iter(project.roads.values()))(client)
            before = rows()
            RAN.clear()
            for path in paths:
                for method in METHODS:
                    response = client.generic(method, path)
                    requests += 1
                    mine = path.startswith(VERIFY) or path.startswith("/static/")
                    outside = response.status_code in (301, 302)  # By a middleware before the gate.
                    if not (is_gate(response) or mine or outside):
                        found["odd"].append(f"{method} {path}: {response.status_code}")
                    if mine and "_auth_user_id" not in client.session:
                        client = browser()  # Signed out, as the page offers.
                        next(iter(project.roads.values()))(client)
                        RAN.clear()
            found["ran"] = list(RAN)
            if rows() != before:
                found["odd"].append(f"rows: {before} {rows()}")
        # At the same moment with the gate and without it.
        clock.move_to(NOW.replace(day=16))
        client = browser()
        next(iter(project.roads.values()))(client)
        if GATED:
            type_code(client)
        for who, cookies in (("verified", dict(client.cookies)), ("anonymous", {})):
            for path in paths:
                if path.startswith(VERIFY):
                    continue
                for method in ("GET", "HEAD", "OPTIONS"):
                    visitor = browser()
                    for key, morsel in cookies.items():
                        if key != "messages":
                            visitor.cookies[key] = morsel.value
                    with undone():
                        response = visitor.generic(method, path)
                        seen = answer(response, project.unstable)
                    requests += 1
                    found["seen"][f"{who} {method} {path}"] = seen
    found |= {
        "requests": requests,
        "urls": len(paths),
        "versions": {name: version(name) for name in (*project.packages, "django")},
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
