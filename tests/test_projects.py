"""What the pages about strangers' projects show is what `make projects` runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path

from scripts.projects import PROJECTS, SHARED
from tests.projects import three_lines
from tests.projects.addresses import addresses

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PAGES = {
    "cms": "django-cms",
    "qsessions": "session-engines",
    "user_sessions": "session-engines",
}


def test_there_are_at_least_six() -> None:
    """Of several kinds: shops, content, APIs, logins, an admin."""
    assert len(PROJECTS) >= 6


@pytest.mark.parametrize("name", PROJECTS)
def test_each_project_is_whole(name: str) -> None:
    """A lock, settings that end in the three lines, URLs, and what the runner must be told."""
    folder = ROOT / "tests/projects" / name
    assert (ROOT / f"requirements/projects/{SHARED.get(name, name)}.txt").exists()
    assert (folder / "settings.py").read_text("utf-8").endswith("add_three_lines(globals())\n")
    assert "*gate_urls()" in (folder / "urls.py").read_text("utf-8")
    project = import_module(f"tests.projects.{name}.project").PROJECT
    assert project.roads


@pytest.mark.parametrize("name", PROJECTS)
def test_each_project_has_its_page(name: str) -> None:
    """With the very lines that the run adds, and the command that proves them."""
    text = (ROOT / f"docs/integrations/{PAGES.get(name, name)}.md").read_text("utf-8")
    assert f'make projects ARGS="{name}"' in text
    if name != "drf":
        for line in (three_lines.APP, three_lines.MIDDLEWARE, three_lines.AUTHENTICATION):
            assert f'"{line}"' in text
        assert three_lines.URL in text


def page(request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse()


def other(request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse()


class Patterns:
    """A URLconf with a parameter of each kind, one that needs a sample, and one behind another."""

    urlpatterns = (
        path("plain/", page),
        path("by/<int:pk>/<uuid:key>/", include([path("<slug:name>/", page)])),
        re_path(r"^old/(?P<year>[0-9]{4})/$", page),
        re_path(r"^how/(?P<action>by-(?:mail|hand))/$", page),
        path("plain/", other),
    )


def test_no_pattern_is_left_out_in_silence(settings: Any) -> None:
    """An address for each, or a line that says to which pattern none leads."""
    settings.ROOT_URLCONF = Patterns
    found, missed = addresses({})
    assert found == [
        "/plain/",
        "/by/1/00000000-0000-0000-0000-000000000001/1/",
        "/old/2026/",
    ]
    assert missed == [r"^how/(?P<action>by-(?:mail|hand))/$", "plain/"]

    found, missed = addresses({"action": "by-hand"})
    assert found[-1] == "/how/by-hand/"
    assert missed == ["plain/"]
