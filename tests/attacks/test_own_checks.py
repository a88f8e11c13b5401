"""The CSRF check that own pages make themselves is taken from no other view."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from otp_gate.testing import verify
from tests import views
from tests.browsers import AsyncBrowser
from tests.gates import put_around_gate
from tests.helpers import VERIFY, last_code, open_page


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_view_at_another_path_keeps_its_csrf_check(settings: Any, alice: Any, server: str) -> None:
    """A middleware further in sends a POST to /otp/ to another view, which is the site's own."""
    put_around_gate(settings, after=["tests.attacks.test_own_checks.leads_aside"])
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    verify(client)
    browser = client if server == "wsgi" else AsyncBrowser(client)
    response = browser.post(VERIFY, {"a": 1})
    assert response.status_code == 403
    assert b"CSRF verification failed" in response.content
    assert not views.RAN


def test_catch_all_view_keeps_its_csrf_check(settings: Any, alice: Any) -> None:
    """To a verified user /otp/ may be a page of the site, which is checked as any."""
    settings.ROOT_URLCONF = "tests.urlconfs.caught"
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    verify(client)
    response = client.post(VERIFY, {"a": 1})
    assert response.status_code == 403
    assert b"CSRF verification failed" in response.content


def test_own_check_under_a_catch_all_view(settings: Any, alice: Any) -> None:
    """A half-authenticated user gets the gate's page there, with its own answer."""
    settings.ROOT_URLCONF = "tests.urlconfs.caught"
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    open_page(client)
    again = client.post(VERIFY, {"code": last_code()})
    assert again.status_code == 403
    assert "This page was out of date" in again.content.decode()


def test_csrf_middleware_behind_the_gate(settings: Any, alice: Any) -> None:
    """Wherever the site's check stands, the page answers."""
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if item != csrf] + [csrf]
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    open_page(client)
    again = client.post(VERIFY, {"code": last_code()})
    assert "This page was out of date" in again.content.decode()


def test_csrf_check_where_no_view_is_found(settings: Any, alice: Any) -> None:
    """Asked too early, the check is not yet made: nothing passes because of a path alone."""
    put_around_gate(settings, after=["tests.attacks.test_own_checks.checks_early"])
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.post(VERIFY, {"code": "123456"})
    assert EARLY.pop() is False


def leads_aside(get_response: Any) -> Any:
    """A middleware that rewrites the path, as tenants and short links do."""

    def middleware(request: Any) -> Any:
        if request.path_info == VERIFY:
            request.path_info = "/plain/"
        return get_response(request)

    return middleware


EARLY: list[bool] = []


def checks_early(get_response: Any) -> Any:
    """A middleware that asks whether the CSRF check is done, before there is a view."""

    def middleware(request: Any) -> Any:
        EARLY.append(bool(request.csrf_processing_done))
        return get_response(request)

    return middleware
