"""The wheel: what is in it, and whether a new project runs from it alone."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections import Counter
from email import message_from_bytes
from email.message import Message
from importlib.util import find_spec
from pathlib import Path

import pytest

from otp_gate import __version__
from tests.servers import lacking

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
DIST_INFO = f"django_otp_gate-{__version__}.dist-info/"
BUILD = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a release would upload, built without a network."""
    if find_spec("flit_core") is None:
        lacking("flit_core")
    folder = tmp_path_factory.mktemp("wheel")
    name = run(sys.executable, "-c", BUILD, str(folder), cwd=ROOT).split()[-1]
    return folder / name


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the package, unpacked as an installer unpacks a pure wheel."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(*command: str, cwd: Path, path: str = "") -> str:
    """Run a command far from this checkout, and return what it printed."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "PYTHON"))}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(DIST_INFO + "METADATA"))


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """And nothing else: no tests, no demo site, nothing that was compiled or left behind."""
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "otp_gate").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names(wheel) if not name.startswith(DIST_INFO)} == wanted


def test_the_wheel_holds_files_of_every_kind(wheel: Path) -> None:
    """Had the package itself lost its templates or scripts, the comparison would not notice."""
    found = Counter(Path(name).suffix for name in names(wheel))
    assert {".py", ".html", ".txt", ".css", ".js", ".svg", ".lua", ".po", ".mo"} <= set(found)
    assert found[".po"] == found[".mo"] >= 3
    assert found[".lua"] >= 5
    assert "otp_gate/py.typed" in names(wheel)


def test_it_brings_three_packages_along_and_no_more(wheel: Path) -> None:
    """Django, pyotp and django-redis; what only tests and the demo want stays at home."""
    requires = metadata(wheel).get_all("Requires-Dist")
    assert requires is not None
    assert sorted(line.split(">")[0].lower() for line in requires) == [
        "django",
        "django-redis",
        "pyotp",
    ]


def test_it_says_who_it_is(wheel: Path) -> None:
    """Name, version, licence with its text, README as the long description."""
    found = metadata(wheel)
    assert found["Name"] == "django-otp-gate"
    assert found["Version"] == __version__
    assert found["Requires-Python"] == ">=3.11"
    assert found["License-Expression"] == "BSD-3-Clause"
    assert DIST_INFO + "licenses/LICENSE" in names(wheel)
    assert "# django-otp-gate" in found.get_payload()


CACHES = """
from fakeredis import FakeRedisConnection
CACHES = {"default": {
    "BACKEND": "django_redis.cache.RedisCache",
    "LOCATION": "redis://in-this-process/0",
    "OPTIONS": {"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}},
}}
"""

STORY = """
import os, re
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django
django.setup()
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core import mail
from django.core.management import call_command
from django.template.loader import get_template
from django.test import Client
from django.test.utils import setup_test_environment
import otp_gate

setup_test_environment()
call_command("migrate", verbosity=0)
call_command("check", fail_level="WARNING")
User.objects.create_superuser("root", "root@example.org", "pw")
client = Client()
client.post("/admin/login/", {"username": "root", "password": "pw", "next": "/admin/"})
turned_away = client.get("/admin/")
page = client.get(turned_away["Location"])
code = re.search(r"^ *([0-9 ]{6,7})$", mail.outbox[0].body, re.MULTILINE)[1]
print(turned_away.status_code, turned_away["Location"])
print(page.status_code, "One-time password" in page.content.decode())
print(client.post(turned_away["Location"], {"code": "no code"}).status_code)
response = client.post(turned_away["Location"], {"code": code})
print(response.status_code, response["Location"], client.get("/admin/").status_code)
print(client.get("/otp/", headers={"accept-language": "de"}).status_code)
for path in (
    otp_gate.__file__,
    get_template("otp_gate/verify.html").origin.name,
    finders.find("otp_gate/verify.css"),
    finders.find("otp_gate/verify.js"),
):
    print(path)
"""


def test_a_new_project_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """`startproject`, the three lines and a cache: password, code, admin."""
    run(sys.executable, "-m", "django", "startproject", "shop", ".", cwd=tmp_path)
    insert(tmp_path / "shop/settings.py", '"django.contrib.staticfiles",', '"otp_gate",')
    insert(
        tmp_path / "shop/settings.py",
        '"django.contrib.auth.middleware.AuthenticationMiddleware",',
        '"otp_gate.middleware.OTPGateMiddleware",',
    )
    insert(
        tmp_path / "shop/urls.py",
        'path("admin/", admin.site.urls),',
        'path("otp/", include("otp_gate.urls")),',
    )
    urls = (tmp_path / "shop/urls.py").read_text("utf-8")
    (tmp_path / "shop/urls.py").write_text(f"from django.urls import include\n{urls}", "utf-8")
    with (tmp_path / "shop/settings.py").open("a") as settings:
        settings.write(CACHES)

    printed = run(sys.executable, "-c", STORY, cwd=tmp_path, path=str(installed)).splitlines()

    assert printed[-9:-4] == [
        "302 /otp/?next=/admin/",
        "200 True",
        "200",
        "302 /admin/ 200",
        "302",
    ]
    assert [Path(line).is_relative_to(installed) for line in printed[-4:]] == [True] * 4


def insert(file: Path, after: str, line: str) -> None:
    """Add a line below another one, which `startproject` writes with either kind of quote."""
    text = file.read_text("utf-8")
    for quoted in (after, after.replace('"', "'")):
        text = text.replace(quoted, f"{quoted}\n    {line}")
    assert line in text
    file.write_text(text, "utf-8")
