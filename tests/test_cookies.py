"""W016: cookies whose path leaves the pages of the gate out."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.urls import set_script_prefix

from tests.commands import manage


def told() -> list[Any]:
    """Return what the check says."""
    return [item for item in run_checks() if item.id == "otp_gate.W016"]


@pytest.mark.parametrize("name", ["SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH"])
@pytest.mark.parametrize("path", ["/shop/", "/shop", "/o", "/otp/inner/", "/OTP/"])
def test_path_beside_the_pages_is_named(settings: Any, name: str, path: str) -> None:
    """With what happens, and what to write."""
    setattr(settings, name, path)
    [message] = told()
    assert f"{name} is {path!r}, and a browser sends no such cookie to /otp/" in message.msg
    assert f'{name} = "/"' in message.hint


@pytest.mark.parametrize("path", ["/", "/otp/", "/otp", "", None])
def test_path_that_holds_the_pages_is_well(settings: Any, path: Any) -> None:
    """Nothing is said; nor of the CSRF cookie where there is none."""
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = path
    assert told() == []
    settings.CSRF_USE_SESSIONS, settings.CSRF_COOKIE_PATH = True, "/shop/"
    assert told() == []


def test_site_below_a_script_name_is_well(settings: Any) -> None:
    """The pages lie below it as well."""
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = "/shop/"
    set_script_prefix("/shop/")
    try:
        assert told() == []
    finally:
        set_script_prefix("/")


def test_site_without_the_pages_hears_of_that_alone(settings: Any) -> None:
    """E004 is there for it."""
    settings.ROOT_URLCONF = "tests.urlconfs.without_pages"
    settings.SESSION_COOKIE_PATH = "/shop/"
    assert told() == []


def test_doctor_says_it(own_site: None, settings: Any) -> None:
    """In one line, with the line to change."""
    settings.SESSION_COOKIE_PATH = "/shop/"
    assert "led to the login again, without end" in manage("doctor").out
