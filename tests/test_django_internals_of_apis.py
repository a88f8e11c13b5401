"""The private names of Django on which the gate relies are what the gate takes them for."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, rotate_token
from django.test import RequestFactory
from django.views.generic import View

from otp_gate import django_internals


def page(request: Any) -> HttpResponse:
    return HttpResponse()


def test_a_skipped_csrf_check_accepts_a_post() -> None:
    """And without it the same request is refused."""
    check = CsrfViewMiddleware(page)
    refused = RequestFactory(enforce_csrf_checks=True).post("/")
    refused._dont_enforce_csrf_checks = False  # type: ignore[attr-defined]
    answer = check.process_view(refused, page, (), {})
    assert answer is not None
    assert answer.status_code == 403
    accepted = RequestFactory().post("/")
    accepted._dont_enforce_csrf_checks = False  # type: ignore[attr-defined]
    django_internals.skip_csrf_check(accepted)
    assert check.process_view(accepted, page, (), {}) is None


def test_the_csrf_cookie_is_asked_for_by_these_entries() -> None:
    """Django sets the cookie because of them, and of nothing else."""
    request = RequestFactory().get("/")
    rotate_token(request)
    added = set(request.META) - set(RequestFactory().get("/").META)
    assert added == set(django_internals.CSRF_COOKIE)
    check = CsrfViewMiddleware(page)
    assert check.process_response(request, HttpResponse()).cookies
    for name in django_internals.CSRF_COOKIE:
        del request.META[name]
    assert not check.process_response(request, HttpResponse()).cookies


def test_a_loaded_user_is_kept_by_these_names(alice: Any) -> None:
    """Without them the user is loaded again, from the session that is there by then."""
    request = RequestFactory().get("/")
    request.session = SessionStore()
    AuthenticationMiddleware(page).process_request(request)
    before = set(request.__dict__)
    assert not request.user.is_authenticated
    assert set(request.__dict__) - before == {django_internals.LOADED_USERS[0]}


def test_the_options_of_a_class_view_are_found() -> None:
    """What `as_view` was given; nothing of a plain function."""
    assert django_internals.view_options(View.as_view(http_method_names=["get"])) == {
        "http_method_names": ["get"]
    }
    assert django_internals.view_options(page) == {}
