"""`doctor` names a Site row that is not this site: messages and their links name that host."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.db import DatabaseError
from django.db.models.query import QuerySet

from tests.commands import manage
from tests.helpers import codes_sent, open_page

WRONG = "Messages name '{}', and their link 'this wasn't me' leads there"


def name_site(domain: str) -> None:
    """Let the Site row name this domain."""
    Site.objects.update(domain=domain, name=domain)
    Site.objects.clear_cache()


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        ("example.com", "still the one that migrate made"),
        ("staging.two.test", "ALLOWED_HOSTS does not allow it"),
        ("www.example.org.evil.test", "ALLOWED_HOSTS does not allow it"),
    ],
)
def test_foreign_site_row_is_named(own_site: None, half: Any, domain: str, why: str) -> None:
    """The mail would lead there; the line to change is behind it."""
    name_site(domain)
    ran = manage("doctor")
    assert ran.status == 1
    assert WRONG.format(domain) in ran.out
    assert why in ran.out
    assert "-> Site.objects.filter(pk=1).update(domain=" in ran.out
    open_page(half)
    assert codes_sent()


@pytest.mark.parametrize(
    ("domain", "allowed", "debug"),
    [
        ("www.example.org", [".example.org"], False),
        ("www.example.org:8443", ["www.example.org"], False),
        ("anything.test", ["*"], False),
        ("localhost:8000", [], True),
    ],
)
def test_site_row_of_this_site_is_well(
    own_site: None, settings: Any, domain: str, allowed: list[str], debug: bool
) -> None:
    """With a port, and with DEBUG, too."""
    settings.ALLOWED_HOSTS, settings.DEBUG = allowed, debug
    name_site(domain)
    assert "this wasn't me" not in manage("doctor").out


def test_missing_row_is_named(own_site: None) -> None:
    """Messages then name the host of the request."""
    Site.objects.all().delete()
    ran = manage("doctor")
    assert "SITE_ID is 1, and there is no such Site row" in ran.out
    assert "-> Site.objects.create(pk=1, " in ran.out


def test_site_by_host_is_well(own_site: None, settings: Any) -> None:
    """Without SITE_ID the row with the host of the request is taken."""
    settings.SITE_ID = None
    name_site("example.com")
    assert "Messages name 'example.com'" not in manage("doctor").out


def test_table_that_cannot_be_read_is_named(
    own_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the error; the rest is looked at all the same."""

    def broken(self: QuerySet[Any]) -> None:
        raise DatabaseError("secret")

    monkeypatch.setattr(QuerySet, "first", broken)
    ran = manage("doctor")
    assert "The Site row cannot be read: DatabaseError" in ran.out
    assert "secret" not in ran.out
    assert "Redis answers" in ran.out


def test_site_without_the_framework_is_left_alone(db: None, settings: Any) -> None:
    """W010 looks after it."""
    settings.INSTALLED_APPS = [
        name
        for name in settings.INSTALLED_APPS
        if name.rpartition(".")[2] not in ("sites", "flatpages", "redirects")
    ]
    assert "Site row" not in manage("doctor").out
