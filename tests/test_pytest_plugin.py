"""The fixtures as another project's pytest sees them: a run of its own, in another process."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import Any

import pytest

from otp_gate.testing.switch import Turn
from tests.servers import ROOT

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "otp_gate.pytest_plugin")


SETTINGS = """
from tests.settings import *
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""

INI = """
[pytest]
addopts = -p otp_gate.pytest_plugin --ds=shop_settings
pythonpath = . {root}
strict = true
filterwarnings = error
"""

SUITE = """
import pytest
from django.test import AsyncClient, TestCase

def test_by_the_fixture(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ann"))
    assert client.get("/secret/").content == b"secret of ann"
    client.post("/logout/")

def test_admin(admin_client):
    assert admin_client.get("/admin/").status_code == 200

class Tests(TestCase):
    @classmethod
    def setUpTestData(cls):
        from django.contrib.auth.models import User
        cls.ann = User.objects.create_user("ann", password="pw")

    def test_password(self):
        assert self.client.login(username="ann", password="pw")
        assert self.client.get("/secret/").content == b"secret of ann"

    async def test_async(self):
        await self.async_client.aforce_login(self.ann)
        assert (await self.async_client.get("/asecret/")).content == b"secret of ann"
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of its own behind the gate, on the URLs of this suite, and with no Redis."""
    pytester.makeini(INI.format(root=ROOT))
    pytester.makepyfile(shop_settings=SETTINGS)
    return pytester


def outcomes(shop: pytest.Pytester, *arguments: str, **files: str) -> dict[str, int]:
    """Write the files, run pytest on them, and return how many passed and failed."""
    shop.makepyfile(**{name: dedent(text) for name, text in files.items()})
    return shop.runpytest_subprocess(*arguments).parseoutcomes()


@pytest.mark.once
def test_a_suite_from_before_the_gate_is_red_without_it(shop: pytest.Pytester) -> None:
    """Else the tests below would prove nothing."""
    assert outcomes(shop, test_site=SUITE) == {"failed": 4}


@pytest.mark.once
def test_it_is_green_with_one_line_in_its_conftest(shop: pytest.Pytester) -> None:
    """Without a change to any test."""
    line = 'pytest_plugins = ["otp_gate.testing.open"]'
    assert outcomes(shop, test_site=SUITE, conftest=line) == {"passed": 4}


@pytest.mark.once
def test_it_is_green_with_one_line_in_its_ini(shop: pytest.Pytester) -> None:
    """The same, where the options of pytest are."""
    shop.makeini(INI.format(root=ROOT) + "otp_gate = open\n")
    assert outcomes(shop, test_site=SUITE) == {"passed": 4}


@pytest.mark.once
def test_a_word_that_the_ini_does_not_know_is_refused(shop: pytest.Pytester) -> None:
    """A typing error would leave the suite red, or worse, somebody in doubt."""
    shop.makeini(INI.format(root=ROOT) + "otp_gate = opened\n")
    shop.runpytest_subprocess().stderr.fnmatch_lines(['*otp_gate = opened: it can only be "open"'])


@pytest.mark.once
def test_the_fixtures(shop: pytest.Pytester) -> None:
    """Each of them, on a site that has no Redis; and in a suite where the gate is open."""
    told = {
        "test_fixtures": """
        def test_open(gate_open, client, admin_user):
            client.force_login(admin_user)
            assert client.get("/secret/").content == b"secret of admin"

        def test_shut_by_itself(client, admin_user, gate_shut):
            client.force_login(admin_user)
            assert client.get("/secret/").status_code == 302

        def test_verified(verified_client, gate_shut):
            assert verified_client.get("/secret/").content == b"secret of half-authenticated"

        def test_the_whole_way(half_client, fake_redis, sent_codes, otp_user):
            assert half_client.get("/secret/").status_code == 302
            half_client.get("/otp/")
            [sent] = sent_codes
            assert (sent.user, sent.factor) == (otp_user, "email")
            half_client.post("/otp/", {"code": sent.code})
            assert half_client.get("/secret/").status_code == 200

        def test_gated(assert_gated, assert_not_gated):
            assert_gated("/secret/")
            assert_not_gated("/open/")

        def test_not_gated(assert_gated):
            assert_gated("/open/")
        """
    }
    assert outcomes(shop, **told) == {"passed": 5, "failed": 1}
    again = shop.runpytest_subprocess("-p", "otp_gate.testing.open")
    assert again.parseoutcomes() == {"passed": 5, "failed": 1}
    again.stdout.fnmatch_lines(["*It is open by @otp_exempt on tests.views.open_page (*"])
    again.stdout.no_fnmatch_line("*otp_gate/testing/assertions.py:*")


@pytest.mark.once
def test_the_user_is_the_projects_own(shop: pytest.Pytester) -> None:
    """One fixture to override."""
    conftest = """
    import pytest

    @pytest.fixture
    def otp_user(admin_user):
        return admin_user
    """
    tests = """
    def test_admin(verified_client, assert_gated):
        assert verified_client.get("/admin/").status_code == 200
        assert_gated("/admin/")
    """
    assert outcomes(shop, test_site=tests, conftest=conftest) == {"passed": 1}


INERT = """
import sys

def test_what_was_loaded():
    found = {name for name in sys.modules if name.startswith(("django", "redis", "otp_gate"))}
    assert found == {"otp_gate", "otp_gate.pytest_plugin"}
"""


@pytest.mark.once
def test_it_is_inert_until_it_is_used(pytester: pytest.Pytester) -> None:
    """In a project that has no Django, nothing of it is imported; no query, no setting."""
    pytester.makeini(f"[pytest]\npythonpath = {ROOT}\n")
    pytester.makepyfile(INERT)
    told = pytester.runpytest_subprocess("-p", "no:django", *PLUGIN)
    assert told.parseoutcomes() == {"passed": 1}


@pytest.mark.once
def test_pytest_finds_it_by_itself(pytester: pytest.Pytester) -> None:
    """By the entry point that the wheel declares."""
    info = pytester.mkdir("django_otp_gate-0.dist-info")
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    line = declared.partition("[project.entry-points.pytest11]\n")[2].partition("\n")[0]
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: django-otp-gate\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[pytest11]\n" + line.replace('"', "") + "\n")
    pytester.makepyfile(INERT)
    paths = f"{pytester.path}:{ROOT}"
    pytester._monkeypatch.setenv("PYTHONPATH", paths)
    told = pytester.run(sys.executable, "-m", "pytest", "-p", "no:django", "--fixtures", "-q")
    told.stdout.fnmatch_lines(["verified_client -- *pytest_plugin.py:*"])


def test_open_for_a_whole_run_in_this_process(pytester: pytest.Pytester) -> None:
    """The session fixture and the ini line, without a project around them."""
    pytester.makeini("[pytest]\notp_gate = open\n")
    pytester.makepyfile(
        "from otp_gate.testing.switch import Turn\n"
        "def test_open(): assert [turn.is_open for turn in Turn.going_on] == [True]"
    )
    arguments = (*PLUGIN, "-p", "no:django", "-p", "no:cacheprovider", "-W", "ignore")
    assert pytester.runpytest_inprocess(*arguments).parseoutcomes() == {"passed": 1}
    pytester.makeini("[pytest]\notp_gate = shut\n")
    told: Any = pytester.runpytest_inprocess(*arguments)
    assert told.ret == pytest.ExitCode.USAGE_ERROR
    pytester.makeini("[pytest]")
    assert pytester.runpytest_inprocess(*arguments).parseoutcomes() == {"failed": 1}
    assert Turn.going_on == []


def test_the_fixtures_in_this_process(alice: Any, request: pytest.FixtureRequest) -> None:
    """They are what `otp_gate.testing` gives, for the user who is there."""
    assert request.getfixturevalue("otp_user") == alice
    client = request.getfixturevalue("verified_client")
    assert client.get("/secret/").content == b"secret of alice"
    request.getfixturevalue("assert_gated")("/secret/")
    request.getfixturevalue("assert_not_gated")("/open/")
    request.getfixturevalue("gate_open")
    assert Turn.going_on[-1].is_open
    half = request.getfixturevalue("half_client")
    assert not Turn.going_on[-1].is_open
    request.getfixturevalue("fake_redis")
    codes = request.getfixturevalue("sent_codes")
    half.get("/otp/")
    assert half.post("/otp/", {"code": codes[0].code}).status_code == 302


from otp_gate.pytest_plugin import (  # noqa: E402, F401 - as the entry point would make them known
    assert_gated,
    assert_not_gated,
    fake_redis,
    gate_open,
    gate_shut,
    half_client,
    otp_user,
    sent_codes,
    verified_client,
)
