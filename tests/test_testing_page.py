"""docs/testing.md keeps its word: all that it shows is run, in a project of its own."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

import otp_gate.testing
from otp_gate import pytest_plugin
from tests.servers import ROOT

pytestmark = pytest.mark.once
pytest_plugins = ["pytester"]

PAGE = (ROOT / "docs/testing.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]

SETTINGS = """
from tests.settings import *
from tests.settings import INSTALLED_APPS, MIDDLEWARE
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
ROOT_URLCONF = "shop.urls"
LOGIN_URL = "/admin/login/"
"""

VIEWS = """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from otp_gate.decorators import otp_exempt, otp_required

@login_required
def account(request):
    return HttpResponse(f"account of {request.user}")


@otp_exempt
def about(request):
    return HttpResponse("about us")


@otp_required(max_age=300)
def pay(request):
    return HttpResponse("paid")
"""

URLS = """
from django.contrib import admin
from django.urls import include, path
from shop import views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("about/", views.about, name="about"),
    path("pay/", views.pay, name="pay"),
    path("otp/", include("otp_gate.urls")),
    path("admin/", admin.site.urls),
]
"""

INI = f"""
[pytest]
addopts = -p otp_gate.pytest_plugin --ds=shop.settings
pythonpath = . {ROOT}
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A project behind the gate, with no Redis."""
    pytester.makeini(INI)
    folder = pytester.mkpydir("shop")
    for name, text in {"settings": SETTINGS, "views": VIEWS, "urls": URLS}.items():
        (folder / f"{name}.py").write_text(text.strip() + "\n")
    return pytester.path


def write(shop: Path) -> None:
    """Put each block of tests into a file of its own."""
    for number, block in enumerate(PYTHON):
        if "def test_" in block:
            (shop / f"test_block_{number}.py").write_text(block)


def test_the_tests_of_the_page_pass(shop: Path, pytester: pytest.Pytester) -> None:
    """Alone, and in a suite in which the gate is open by the line of the page."""
    write(shop)
    by_itself = pytester.runpytest_subprocess("-v").parseoutcomes()
    assert set(by_itself) == {"passed"}
    assert by_itself["passed"] == len(re.findall(r"^ *(?:async )?def test_", PAGE, re.MULTILINE))


@pytest.mark.parametrize("way", ["conftest", "ini"])
def test_the_one_line_is_the_one_of_the_page(
    shop: Path, pytester: pytest.Pytester, way: str
) -> None:
    """A suite of before the gate; red without, green with it."""
    pytester.makepyfile(
        test_old="""
        def test_account(admin_client):
            assert admin_client.get("/account/").status_code == 200
        """
    )
    assert pytester.runpytest_subprocess().parseoutcomes() == {"failed": 1}
    if way == "conftest":
        pytester.makeconftest(next(block for block in PYTHON if "pytest_plugins" in block))
    else:
        line = next(text for kind, text in BLOCKS if kind == "ini").partition("[pytest]\n")[2]
        pytester.makeini(INI + line)
    assert pytester.runpytest_subprocess().parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_classes_of_the_page_pass_without_pytest(
    shop: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    """By Django's own runner, also where it hands the classes to other processes."""
    write(shop)
    line = next(block for block in PYTHON if block.startswith("SILENCED"))
    with (shop / "shop/settings.py").open("a") as settings:
        settings.write(line)
    for name, value in {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONPATH": f"{shop}:{ROOT}",
    }.items():
        monkeypatch.setenv(name, value)
    command = (sys.executable, "-W", "error", "-m", "django", "test", "--parallel", processes)
    told = pytester.run(*command)
    methods = re.findall(r"^    (?:async )?def test_", PAGE, re.MULTILINE)
    told.stderr.fnmatch_lines([f"Ran {len(methods)} tests in *", "", "OK"])
    assert len(methods) >= 4


def test_the_failure_reads_as_on_the_page(shop: Path, pytester: pytest.Pytester) -> None:
    """Word for word."""
    pytester.makepyfile("def test_about(assert_gated): assert_gated('/about/')")
    told = "\n".join(pytester.runpytest_subprocess().outlines)
    shown = next(text for kind, text in BLOCKS if kind == "text")
    lines = [line.removeprefix("E").strip() for line in told.splitlines()]
    for line in shown.strip().splitlines():
        assert any(seen.endswith(line.strip()) for seen in lines), (line, told)


def test_every_name_and_every_fixture_is_on_the_page() -> None:
    """Nothing that is offered is left to be guessed."""
    names = set(otp_gate.testing.__all__) - {"METHODS", "GateMixin", "SentCode"}
    fixtures = {
        name
        for name, item in vars(pytest_plugin).items()
        if type(item).__name__ == "FixtureFunctionDefinition"
    }
    assert len(fixtures) == 9
    rows = PAGE.partition("## The fixtures")[2].partition("## ")[0]
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()
    assert {name for name in fixtures if f"`{name}`" not in rows} == set()
    assert Counter(kind for kind, _ in BLOCKS)["python"] >= 7


def test_what_it_says_of_another_suite_is_what_is_run() -> None:
    """The page names the project, and so does its test."""
    assert "django-allauth" in PAGE
    assert "django-allauth" in (ROOT / "tests/test_other_suites.py").read_text("utf-8")
