"""A project that was there before the gate, with its own tests: red behind it, green by one line.

django-allauth's own suite, as its release ships it, on the account pages: some 290 tests that log
in by `force_login` and by every form that allauth has.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installs import OPTIONS, insert, locked, pip
from tests.servers import ROOT, environment

pytestmark = pytest.mark.once

BUILD = ("setuptools", "setuptools-scm", "vcs-versioning")
REQUESTS = ("requests", "certifi", "charset-normalizer", "idna", "urllib3")
TOOLS = ("pytest-asyncio", *BUILD, *REQUESTS)
PROJECT = Path("tests/projects/account_only")
LINE = '\npytest_plugins = ["otp_gate.testing.open"]\n'


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the suite wants beside what is here: it awaits some of its tests."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "lock.txt").write_text(locked("suites", *TOOLS))
    wheels = ["--only-binary", ":all:", "--target", folder]
    pip("install", *OPTIONS, "--no-deps", *wheels, "-r", folder / "lock.txt")
    return folder


@pytest.fixture(scope="module")
def released(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it was released, with its tests."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "lock.txt").write_text(locked("suites", "django-allauth"))
    source = ["--no-binary", ":all:", "--no-build-isolation", "--dest", folder]
    pip("download", *OPTIONS, "--no-deps", *source, "-r", folder / "lock.txt", path=str(tools))
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture
def project(released: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, to be changed."""
    folder = tmp_path / "project"
    shutil.copytree(released, folder)
    yield folder
    shutil.rmtree(folder)


def outcomes(project: Path, tools: Path) -> dict[str, int]:
    """Run the suite as its own documents say, and return what its last line counts."""
    settings = str(PROJECT / "settings").replace("/", ".")
    command = [sys.executable, "-m", "pytest", "-q", f"--ds={settings}", "tests/apps/account"]
    told = subprocess.run(
        command,
        cwd=project,
        env=environment({"PYTHONPATH": f"{project}:{ROOT}:{tools}", "PYTHONWARNINGS": "ignore"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    counted = re.findall(r"(\d+) (passed|failed|error)", told.stdout.strip().splitlines()[-1])
    assert counted, told.stdout + told.stderr
    return {word: int(number) for number, word in counted}


def put_gate_before(project: Path) -> None:
    """Add the three lines of the README, and nothing else."""
    settings = project / PROJECT / "settings.py"
    insert(settings, '"allauth.account",', '"otp_gate",')
    insert(
        settings,
        '"django.contrib.auth.middleware.AuthenticationMiddleware",',
        '"otp_gate.middleware.OTPGateMiddleware",',
    )
    urls = project / PROJECT / "urls.py"
    insert(urls, 'path("admin/", admin.site.urls),', 'path("otp/", include("otp_gate.urls")),')


def test_one_line_makes_it_green_again(project: Path, tools: Path) -> None:
    """Without the gate, with it, and with it and the line: each test passes but in the middle."""
    before = outcomes(project, tools)
    put_gate_before(project)
    gated = outcomes(project, tools)
    with (project / "tests/conftest.py").open("a") as conftest:
        conftest.write(LINE)
    after = outcomes(project, tools)
    assert set(before) == {"passed"}
    assert before["passed"] > 250
    assert gated["failed"] > 50
    assert after == before
