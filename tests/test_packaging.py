"""The wheel: what is in it, and whether a new project runs from it alone."""

from __future__ import annotations

import ast
import itertools
import re
import sys
import zipfile
from collections import Counter
from email import message_from_bytes
from email.message import Message
from importlib.util import find_spec
from pathlib import Path

import pytest

from otp_gate import __version__
from tests.installs import LOCKS, OPTIONS, insert, pip, run
from tests.servers import HOST, free_port, lacking, listens, redis_server, running
from tests.strangers import Stranger

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


def test_it_brings_four_packages_along_and_no_more(wheel: Path) -> None:
    """Django, pyotp, django-redis and cryptography; what only tests and the demo want stays at home."""
    requires = metadata(wheel).get_all("Requires-Dist")
    assert requires is not None
    assert sorted(line.split(">")[0].lower() for line in requires) == [
        "cryptography",
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


def test_every_supported_pair_is_in_the_matrix(wheel: Path) -> None:
    """Each Python with each Django that runs on it, as the wheel says whom it supports."""
    kinds = metadata(wheel).get_all("Classifier") or []
    said = re.findall(r"(Python|Django) :: (\d+\.\d+)", "\n".join(kinds))
    pythons = [version for name, version in said if name == "Python"]
    locks = [f"django{version.replace('.', '')}" for name, version in said if name == "Django"]
    assert (len(pythons), len(locks)) == (3, 3)
    pairs = next(
        ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "noxfile.py").read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAIRS"
    )
    for python, lock in itertools.product(pythons, locks):
        runs = python != "3.11" or lock == "django52"  # Django 6 wants Python 3.12.
        assert ((python, lock) in pairs) is runs, (python, lock)


def test_pytest_finds_the_fixtures(wheel: Path) -> None:
    """By the entry point; whoever installs the package has nothing to register."""
    with zipfile.ZipFile(wheel) as archive:
        declared = archive.read(DIST_INFO + "entry_points.txt").decode()
    assert declared.split() == ["[pytest11]", "otp_gate=otp_gate.pytest_plugin"]


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


# In an environment of its own, by pip, with the lines as the README has them


SITE = """
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "REDIS"}}
CONSOLE = "django.core.mail.backends.console.EmailBackend"
import django
if django.VERSION < (6, 1):
    EMAIL_BACKEND = CONSOLE
else:
    MAILERS = {"default": {"BACKEND": CONSOLE}}
"""


def pasted() -> tuple[str, str, str]:
    """Return what the first block of the README adds to apps, middleware and URLs."""
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme.partition("```python\n")[2].partition("```")[0]
    lists = {
        node.targets[0].id: node.value.elts
        for node in ast.parse(block).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.List)
    }
    shown = {
        name: [ast.unparse(item) for item in items if ast.unparse(item) != "..."]
        for name, items in lists.items()
    }
    [app], [above, gate], [url] = shown.values()
    assert list(shown) == ["INSTALLED_APPS", "MIDDLEWARE", "urlpatterns"]
    assert above == repr(AUTHENTICATION)
    return app, gate, url


AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment, into which pip has installed the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    # Debian's Python comes without the pip that it would put there.
    run(sys.executable, "-m", "venv", "--without-pip", str(folder), cwd=folder)
    python = folder / "bin" / "python"
    into = ("--python", python, "install")
    pip(*into, *OPTIONS, "--only-binary", ":all:", "-r", LOCKS / "demo.txt")
    pip(*into, "--quiet", "--no-index", wheel)
    return python


def test_a_new_project_installs_it_by_pip(python: Path, tmp_path: Path) -> None:
    """`pip install`, `startproject`, three lines, a password, and the code from the terminal."""
    run(str(python), "-m", "django", "startproject", "shop", ".", cwd=tmp_path)
    app, gate, url = pasted()
    insert(tmp_path / "shop/settings.py", '"django.contrib.staticfiles",', f"{app},")
    insert(tmp_path / "shop/settings.py", f'"{AUTHENTICATION}",', f"{gate},")
    insert(tmp_path / "shop/urls.py", 'path("admin/", admin.site.urls),', f"{url},")
    urls = (tmp_path / "shop/urls.py").read_text("utf-8")
    (tmp_path / "shop/urls.py").write_text(f"from django.urls import include\n{urls}", "utf-8")

    with redis_server() as redis, (tmp_path / "shop/settings.py").open("a") as settings:
        settings.write(SITE.replace("REDIS", redis))
        settings.close()
        manage = [str(python), str(tmp_path / "manage.py")]
        run(*manage, "check", "--fail-level", "WARNING", cwd=tmp_path)
        run(*manage, "migrate", "-v", "0", cwd=tmp_path)
        person = ["--noinput", "--username", "root", "--email", "root@example.org"]
        password = {"DJANGO_SUPERUSER_PASSWORD": "pw"}
        run(*manage, "createsuperuser", *person, cwd=tmp_path, env=password)
        where = run(
            *manage, "shell", "-c", "import otp_gate; print(otp_gate.__file__)", cwd=tmp_path
        )
        assert Path(where.split()[-1]).is_relative_to(python.parent.parent)

        port = free_port()
        serve = [*manage, "runserver", "--noreload", f"{HOST}:{port}"]
        env = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
        address = f"http://{HOST}:{port}"
        with running(serve, address, port, lambda: listens(port), env) as server:
            stranger = Stranger(server.url)
            stranger.get("/admin/login/")
            form = {"username": "root", "password": "pw", "next": "/admin/"}
            address, page = stranger.post("/admin/login/", **form)
            assert address == "/otp/?next=/admin/"
            code = re.search(r"^ *(\d{3}) ?(\d{3}) *$", server.output, re.MULTILINE)
            assert code is not None, server.output
            assert code[1] + code[2] not in page
            assert stranger.get("/admin/")[0] == "/otp/?next=/admin/"
            address, page = stranger.post(address, code=code[1] + code[2])
            assert address == "/admin/"
            assert "Site administration" in page
