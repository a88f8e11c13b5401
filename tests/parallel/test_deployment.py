"""The demo site as docker-compose.yml runs it: four workers, Redis, PostgreSQL, a mail catcher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import VERIFY
from tests.parallel.conftest import database, prepare
from tests.parallel.visitors import Visitor, codes_in, no_code_of
from tests.servers import Mailbox, Server, ServerDied, gunicorn

pytestmark = pytest.mark.once

PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "of this test and no other",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "sqlite:///never-opened",
    "EMAIL_HOST": "127.0.0.1",
}


@pytest.fixture
def site(redis_url: str, box: Mailbox, tmp_path: Path) -> Iterator[Server]:
    """The site of docker-compose.yml, without the containers."""
    with database(tmp_path) as url:
        env = {
            **PRODUCTION,
            "REDIS_URL": redis_url,
            "DATABASE_URL": url,
            "EMAIL_PORT": str(box.port),
        }
        prepare("site_project.settings", env)
        with gunicorn("site_project.settings", env, application="site_project.wsgi") as server:
            yield server


def test_the_story_in_production(site: Server, box: Mailbox) -> None:
    """Password, wrong code, code from the mail, in; out, and asked again."""
    box.messages.clear()
    visitor = Visitor(site.port)
    assert visitor.send("GET", "/").location == "/login/?next=/"
    assert "Invalid username or password" in visitor.log_in("alice", "guess").text
    assert visitor.log_in("alice").location == "/"
    assert visitor.send("GET", "/").location == "/otp/?next=/"
    assert visitor.send("GET", "/api/me/").status == 302

    page = visitor.send("GET", "/otp/?next=/")
    assert page.status == 200
    assert page.headers["Cache-Control"].count("no-store") == 1
    [code] = codes_in(box)
    assert code not in page.text
    answer = visitor.send("POST", VERIFY, {"code": no_code_of(box)})
    assert "Invalid one-time password" in answer.text
    assert visitor.send("GET", "/").status == 302

    before = visitor.cookies["sessionid"]
    assert visitor.send("POST", VERIFY, {"code": code, "next": "/"}).location == "/"
    assert visitor.cookies["sessionid"] != before
    # Each of the workers, by chance, and none of them asks again.
    assert {visitor.send("GET", "/").status for _ in range(12)} == {200}
    assert "alice" in visitor.send("GET", "/api/me/").text
    assert Visitor(site.port, before).send("GET", "/").location == "/login/?next=/"

    assert visitor.send("POST", "/logout/", {}).location == "/login/"
    visitor.log_in("alice")
    assert visitor.send("GET", "/").location == "/otp/?next=/"
    visitor.send("POST", VERIFY, {"code": code, "next": "/"})
    assert visitor.send("GET", "/").status == 302


@pytest.mark.parametrize("name", ["REDIS_URL", "SECRET_KEY"])
def test_production_does_not_start_without(name: str) -> None:
    """Workers that share neither codes nor keys must not answer; the sentence says what to set."""
    env = {**PRODUCTION, "REDIS_URL": "redis://127.0.0.1:1/0", name: ""}
    start = gunicorn("site_project.settings", env, workers=1, application="site_project.wsgi")
    with pytest.raises(ServerDied, match=rf"ImproperlyConfigured: Set {name}: with DEBUG=0"), start:
        pytest.fail("it started")
