from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from tests.projects.contract import Project, admin_login, superuser
from tests.projects.three_lines import GATED

HOSTS = {"north": "testserver", "south": "south.example.org"}
JSON = {"accept": "application/json"}


def prepare() -> None:
    """Two tenants, each with an Alice who is user 1 of its schema."""
    from django_tenants.utils import schema_context

    from tests.projects.tenants.models import Customer, Domain

    for schema, host in HOSTS.items():
        customer = Customer(schema_name=schema, name=schema)
        customer.save(verbosity=0)
        Domain.objects.create(domain=host, tenant=customer, is_primary=True)
        with schema_context(schema):
            assert superuser().pk == 1


def manage(schema: str, *arguments: str) -> tuple[str, str]:
    """Run a command for a tenant as its documentation says; return what it printed."""
    from django.core.management import execute_from_command_line
    from django.db import connection

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        words = ["manage.py", "tenant_command", "otp_gate", *arguments, f"--schema={schema}"]
        execute_from_command_line(words)
    connection.set_schema_to_public()
    assert f"Realm: {schema}::1:" in err.getvalue(), err.getvalue()
    return out.getvalue(), err.getvalue()


def answer(client: Any, code: str) -> Any:
    return client.post("/otp/", {"code": code}, "application/json", headers=JSON)


def code_of_mail(index: int) -> str:
    from django.core import mail

    found = re.search(r"^\s*(\d{3}) ?(\d{3})\s*$", mail.outbox[index].body, re.MULTILINE)
    assert found is not None
    return found[1] + found[2]


def apart(client: Any) -> None:
    """What happens to user 1 of one tenant does not happen to user 1 of the other one."""
    if GATED:
        for kind in kinds_of_browsers(client):
            no_code_crosses(kind)
            no_lock_crosses(kind)
        checks_know()
    admin_login(client)


def kinds_of_browsers(client: Any) -> list[Any]:
    """Return what makes a browser at a host: on WSGI, and on ASGI."""
    from tests.projects.tenants.asynchronous import AsyncBrowser

    return [
        lambda host: type(client)(HTTP_HOST=host, raise_request_exception=False),
        lambda host: AsyncBrowser(host),
    ]


def no_code_crosses(browser: Any) -> None:
    """Neither the code of a mail nor that which an operator reads out."""
    from django.core import mail

    north, south = (browser(host) for host in HOSTS.values())
    for client in (north, south):
        admin_login(client)
        assert client.get("/otp/").status_code == 200
    of_north, of_south = code_of_mail(-2), code_of_mail(-1)
    for host, message in zip(HOSTS.values(), mail.outbox[-2:], strict=True):
        assert f"//{host}/otp/disown/" in message.body
    read_out = manage("north", "code", "alice")[0].replace(" ", "").strip()
    for code in (of_north, read_out):
        response = answer(south, code)
        assert response.json()["code"] == "invalid", response.content
        assert south.get("/admin/").status_code == 302
    assert answer(north, read_out).status_code == 200
    assert north.get("/admin/").status_code == 200
    assert answer(south, of_south).status_code == 200
    assert south.get("/admin/").status_code == 200


def no_lock_crosses(browser: Any) -> None:
    """Ten wrong answers lock Alice of the one tenant alone."""
    north, south = (browser(host) for host in HOSTS.values())
    admin_login(north)
    for number in range(10):
        if number % 5 == 0:
            assert north.post("/otp/resend/", {}, "application/json", headers=JSON)
        answer(north, f"{(int(code_of_mail(-1)) + 1 + number) % 1_000_000:06}")
    assert answer(north, "000000").json()["code"] == "locked"
    admin_login(south)
    assert south.get("/otp/").status_code == 200
    assert "0 in a row" in manage("south", "status", "alice")[0]
    assert "10 in a row" in manage("north", "status", "alice")[0]
    assert answer(south, code_of_mail(-1)).status_code == 200
    assert "10 wrong answers in a row" in manage("north", "unlock", "alice")[0]


def checks_know() -> None:
    """W013 speaks where the cache does not name the tenant, and the keys match the pattern."""
    from django.conf import settings
    from django.test import override_settings

    from otp_gate import realms, store
    from otp_gate.checks.realms import check_tenants

    assert check_tenants(None) == []
    assert realms.pattern() == "*otp_gate:*"
    keys = store.client("default").keys("*")
    assert {key.partition(":")[0] for key in keys} == set(HOSTS)
    assert sorted(keys) == sorted(store.client("default").keys(realms.pattern()))
    plain = {**settings.CACHES["default"]}
    del plain["KEY_FUNCTION"], plain["REVERSE_KEY_FUNCTION"]
    with override_settings(CACHES={"default": plain}):
        [message] = check_tenants(None)
    assert "django_tenants.cache.make_key" in message.hint


PROJECT = Project(
    packages=("django-tenants",),
    inside="/admin/",
    roads={"admin login": admin_login, "beside another tenant": apart},
    prepare=prepare,
    samples={"object_id": "1", "content_type_id": "4"},
)
