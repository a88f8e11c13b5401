"""The page for the code is usable whatever the storage of static files knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command
from django.template import Context, Template
from django.test import Client

from otp_gate import page_files
from tests.commands import manage
from tests.helpers import DISOWN, VERIFY, last_code

MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
LOST = "wrong  The static files know no otp_gate/icon.svg, otp_gate/verify.css, otp_gate/verify.js"


class Broken(ManifestStaticFilesStorage):
    """A storage elsewhere that does not answer."""

    def url(self, *args: Any, **kwargs: Any) -> str:
        raise ConnectionError("secret")


def use_storage(settings: Any, path: str) -> None:
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": path}}
    page_files.warn.cache_clear()


@pytest.fixture
def manifest(settings: Any, tmp_path: Path) -> None:
    """`collectstatic` has not run yet."""
    settings.STATIC_ROOT = str(tmp_path)
    use_storage(settings, MANIFEST)


@pytest.mark.parametrize("storage", [MANIFEST, "tests.test_page_files.Broken"])
def test_user_gets_in_without_collectstatic(
    held: Any, settings: Any, tmp_path: Path, storage: str
) -> None:
    """The page has its form, and plain addresses for its files."""
    settings.STATIC_ROOT = str(tmp_path)
    use_storage(settings, storage)
    page = held.get(VERIFY)
    assert page.status_code == 200
    assert 'href="/static/otp_gate/verify.css"' in page.content.decode()
    assert 'src="/static/otp_gate/verify.js"' in page.content.decode()
    assert held.post(VERIFY, {"code": last_code()}).status_code == 302


def test_other_pages_are_shown_as_well(client: Client, db: None, manifest: None) -> None:
    """The link of the mail, too."""
    assert client.get(DISOWN, {"token": "no"}).status_code == 400


def test_page_of_a_fault_keeps_its_frame(half: Client, manifest: None, no_redis: None) -> None:
    """503, with the page of the gate and not a line of text."""
    page = half.get(VERIFY)
    assert page.status_code == 503
    assert "otp-gate-card" in page.content.decode()


def test_lost_looks_are_logged_once(
    half: Client, manifest: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Each file, with the command to run."""
    for _ in range(2):
        half.get(VERIFY)
    told = [text for text in caplog.messages if text.startswith("Static file")]
    assert len(told) == len(page_files.FILES)
    assert all("collectstatic" in text for text in told)


def test_doctor_names_collectstatic(own_site: None, manifest: None, settings: Any) -> None:
    """Until it has run."""
    ran = manage("doctor")
    assert ran.status == 1
    assert LOST in ran.out
    assert "-> manage.py collectstatic" in ran.out
    call_command("collectstatic", interactive=False, verbosity=0)
    use_storage(settings, MANIFEST)  # The storage reads its manifest once.
    assert "static files" not in manage("doctor").out


def test_names_of_the_manifest_are_used(half: Client, manifest: None, settings: Any) -> None:
    """Where `collectstatic` has run, the files have the names that it gave them."""
    call_command("collectstatic", interactive=False, verbosity=0)
    use_storage(settings, MANIFEST)
    page = half.get(VERIFY).content.decode()
    assert "/static/otp_gate/verify.css" not in page
    assert "/static/otp_gate/verify." in page


def test_all_files_of_the_pages_are_known() -> None:
    """`doctor` asks for each file that there is."""
    folder = Path(str(page_files.__file__)).parent / "static"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert there == set(page_files.FILES)


def test_tag_is_there_for_templates_of_the_project(manifest: None) -> None:
    """With a name that has to be quoted, and is escaped for HTML."""
    text = '{% load otp_gate_pages %}{% gate_static "a b&c.css" %}'
    assert Template(text).render(Context()) == "/static/a%20b%26c.css"


def test_site_without_static_url_is_shown_as_well(settings: Any, manifest: None) -> None:
    """The address then is a path of the site."""
    settings.STATIC_URL = None
    assert page_files.url_of("otp_gate/verify.css") == "/otp_gate/verify.css"
