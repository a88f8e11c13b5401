"""`manage.py otp_gate`: who is meant, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.management import call_command

from tests import servers
from tests.commands import manage

COMMAND = "otp_gate.management.commands.otp_gate"
ROOT = Path(__file__).parent.parent


def typed(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Type `manage.py otp_gate …` at a terminal, in the demo site."""
    given = {"DJANGO_SETTINGS_MODULE": "site_project.settings", "DEBUG": "1", "REDIS_URL": ""}
    given["SECRET_KEY"] = "of this test"  # The records are named by it.
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "otp_gate", *arguments],
        cwd=ROOT,
        env={**os.environ, **given, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=servers.PATIENCE,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of a demo site with the user `demo`; returns its URL."""
    url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'db.sqlite3'}"
    make = (
        "import django; django.setup(); "
        "from django.core.management import call_command as run; run('migrate', verbosity=0); "
        "from django.contrib.auth import get_user_model; "
        "get_user_model().objects.create_user('demo', 'demo@example.org', 'demo')"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "site_project.settings", "DATABASE_URL": url}
    subprocess.run([sys.executable, "-c", make], cwd=ROOT, env=env, check=True)
    return url


# Who is meant


@pytest.mark.parametrize("action", ["status", "unlock", "code"])
@pytest.mark.parametrize("name", ["nobody", "", "ALICE", "alice@example.org", "1"])
def test_a_user_is_meant_by_what_they_log_in_with(alice: Any, action: str, name: str) -> None:
    """Not by a number, an address or another spelling: that could be somebody else."""
    told = manage(action, name)
    assert (told.failed, told.out) == (f"No user has the username {name!r}.", "")


class Refusing:
    """A user model of another project, whose manager knows no natural key."""

    USERNAME_FIELD = "number"
    DoesNotExist = ObjectDoesNotExist
    error: Exception = ObjectDoesNotExist()

    class _default_manager:
        @staticmethod
        def get(**wanted: Any) -> Any:
            assert wanted == {"number": "seven"}
            raise Refusing.error


@pytest.mark.parametrize(
    "error", [ObjectDoesNotExist(), ValueError("no number"), ValidationError("no number")]
)
def test_a_name_that_cannot_be_one_is_nobodys(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Where users log in with a number, a word is no traceback."""
    monkeypatch.setattr(Refusing, "error", error)
    monkeypatch.setattr(f"{COMMAND}.get_user_model", lambda: Refusing)
    assert manage("status", "seven").failed == "No user has the number 'seven'."


# How it ends


def test_what_to_do_must_be_said() -> None:
    """There is no action by default."""
    for arguments in ((), ("lock", "alice")):
        assert "COMMAND" in manage(*arguments).failed


def test_programs_call_it_too(alice: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """With the options as keyword arguments, as Django's own commands."""
    call_command("otp_gate", "code", "alice", ttl=60)
    assert re.fullmatch(r"\d{3} \d{3}\n", capsys.readouterr().out)


@pytest.mark.parametrize("action", ["status", "unlock", "code"])
def test_a_redis_of_this_process_is_no_other_processes(
    alice: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """In the demo without a Redis, what is done here does not reach the running server: said so."""
    told = manage(action, "alice")
    assert "inside this process" not in told.err
    monkeypatch.delattr("django.core.mail.outbox")
    told = manage(action, "alice")
    assert ("inside this process" in told.err) == (not settings.REDIS_URL)
    assert "inside this process" not in manage("urls").err


@pytest.mark.once
def test_each_command_is_in_the_documentation() -> None:
    """With its options; and none is told of that is not there."""
    shown = typed("--help").stdout
    known = set(re.findall(r"^    (\w+) ", shown, re.MULTILINE))
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert {"urls", "doctor"} < known == set(re.findall(r"^## `(\w+)`", text, re.MULTILINE))
    for line in re.findall(r"^\$ python manage\.py otp_gate (.*[A-Z\]])$", text, re.MULTILINE):
        action, *options = line.split()
        usage = re.sub(r"\s+", " ", typed(action, "--help").stdout)
        for option in options:
            assert option.strip("[]") in usage, line


@pytest.mark.once
def test_the_doctor_of_the_demo(demo: str) -> None:
    """It is well; against a Redis that evicts, and against none, it is ill in two ways."""
    well = typed("doctor", DATABASE_URL=demo)
    assert (well.returncode, well.stderr) == (0, "")
    assert "wrong" not in well.stdout
    assert "a part of this process" in well.stdout

    with servers.redis_server("--maxmemory-policy", "allkeys-lru") as url:
        evicting = typed("doctor", DATABASE_URL=demo, REDIS_URL=url)
    assert (evicting.returncode, evicting.stderr) == (1, "CommandError: 1 thing is wrong.\n")
    assert "wrong  Redis has maxmemory-policy allkeys-lru" in evicting.stdout
    assert "-> In redis.conf: maxmemory-policy noeviction" in evicting.stdout

    gone = typed("doctor", DATABASE_URL=demo, REDIS_URL="redis://:geheim@127.0.0.1:1/0")
    assert (gone.returncode, gone.stderr) == (1, "CommandError: 1 thing is wrong.\n")
    assert "wrong  Redis at 127.0.0.1:1/0 cannot be reached" in gone.stdout
    assert "geheim" not in gone.stdout


@pytest.mark.once
def test_the_urls_of_the_demo(demo: str, tmp_path: Path) -> None:
    """The file for CI, as it is used there: the status says whether anything new is open."""
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("about  # nothing in it\n")
    told = typed("urls", "--fail-on-exempt", str(allowed), DATABASE_URL=demo)
    assert (told.returncode, told.stderr) == (0, "")
    allowed.write_text("")
    told = typed("urls", "--fail-on-exempt", str(allowed), DATABASE_URL=demo)
    assert told.returncode == 1
    assert "/about/  exempt: @otp_exempt" in told.stderr


@pytest.mark.once
def test_an_operator_at_a_terminal(demo: str) -> None:
    """The code alone goes to the output; all else, the log too, goes beside it."""
    with servers.redis_server() as url:
        told = typed("code", "demo", DATABASE_URL=demo, REDIS_URL=url)
        seen = typed("status", "demo", DATABASE_URL=demo, REDIS_URL=url)
    assert (told.returncode, seen.returncode) == (0, 0)
    assert re.fullmatch(r"\d{3} \d{3}\n", told.stdout)
    assert "Operator's code: user 1, by " in told.stderr
    assert told.stdout.strip() not in seen.stdout
    assert "operator, expires in" in seen.stdout


@pytest.mark.once
def test_it_speaks_where_the_checks_fail(demo: str) -> None:
    """`doctor` is there for a site that does not start: the checks must not stop it."""
    told = typed("doctor", DJANGO_SETTINGS_MODULE="tests.bad_projects.e002_no_gate")
    assert told.returncode == 1
    assert "The OTP gate is not in MIDDLEWARE. (otp_gate.E002)" in told.stdout
    assert "Traceback" not in told.stderr
