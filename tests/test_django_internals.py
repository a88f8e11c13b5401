"""Each private name of Django still is and does what the gate relies on."""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.cache import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from otp_gate import django_internals as internals
from tests.costs import counting
from tests.gates import put_around_gate, restarted


@pytest.fixture
def asked(rf: RequestFactory, alice: Any) -> HttpRequest:
    """A request of Alice's session behind AuthenticationMiddleware; nobody has looked yet."""
    client = Client()
    client.force_login(alice)
    request = rf.get("/")
    request.session = client.session
    AuthenticationMiddleware(lambda request: HttpResponse()).process_request(request)
    return request


def test_an_unread_user_is_recognised_without_a_look(asked: Any) -> None:
    with counting() as found:
        assert internals.is_user_unread(asked)
        assert internals.is_django_user(asked.user)
        assert internals.is_django_auser(asked.auser)
        assert internals.unwrap_user(asked.user) is asked.user
    assert not found
    assert not internals.is_django_user(AnonymousUser())
    assert not internals.is_django_user(SimpleLazyObject(AnonymousUser))
    assert not internals.is_django_auser(partial(print))


def test_a_look_is_seen(asked: Any) -> None:
    assert internals.cached_user(asked) is internals.acached_user(asked) is None
    assert asked.user.username == "alice"
    assert internals.cached_user(asked).username == "alice"
    assert not internals.is_user_unread(asked)


def test_a_look_by_auser_is_seen(asked: Any) -> None:
    assert async_to_sync(asked.auser)().username == "alice"
    assert internals.acached_user(asked).username == "alice"
    assert not internals.is_user_unread(asked)


def test_both_accessors_take_a_cached_user(asked: Any, bob: Any) -> None:
    internals.cache_user(asked, bob)
    assert asked.user.username == async_to_sync(asked.auser)().username == "bob"


def test_the_accessors_forget(asked: Any, bob: Any) -> None:
    internals.cache_user(asked, bob)
    internals.forget_async_user(asked)
    assert async_to_sync(asked.auser)().username == "alice"
    internals.cache_user(asked, bob)
    internals.forget_users(asked)
    assert async_to_sync(asked.auser)().username == asked.user.username == "alice"


def otp_middleware(get_response: Any) -> Any:
    """Wraps both accessors as django-otp's OTPMiddleware does."""

    def look(request: HttpRequest, user: Any) -> Any:
        user.otp_device = None
        return user

    async def alook(request: HttpRequest, auser: Any) -> Any:
        return look(request, await auser())

    look.__module__ = alook.__module__ = "django_otp.middleware"

    def middleware(request: Any) -> Any:
        request.user = SimpleLazyObject(partial(look, request, request.user))
        request.auser = partial(alook, request, request.auser)
        return get_response(request)

    return middleware


def test_a_wrapped_user_costs_a_verified_request_nothing(settings: Any, passed: Any) -> None:
    """django-otp in front of the gate: its wrapper names the same user, and is not asked."""
    put_around_gate(settings, before=["tests.test_django_internals.otp_middleware"])
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    from tests.helpers import pass_gate

    pass_gate(restarted(passed))
    with counting() as found:
        assert passed.get("/plain/").status_code == 200
    assert found["SELECT"] == 0


def test_a_wrapped_user_who_was_read(asked: Any) -> None:
    """The wrapper is stripped, so that its queries are not run."""

    def look(request: HttpRequest, user: Any) -> Any:
        raise AssertionError("asked")

    look.__module__ = "django_otp.middleware"
    inner = asked.user
    asked.user = SimpleLazyObject(partial(look, asked, inner))
    assert internals.is_django_user(asked.user)
    assert internals.unwrap_user(asked.user) is inner


def test_the_real_django_otp_lives_where_it_is_looked_for() -> None:
    """Where it is installed. The module is all that the gate knows of it."""
    found = sys.modules.get("django_otp.middleware", ModuleType("none"))
    assert getattr(found, "OTPMiddleware", object).__module__ in {*internals.WRAPPERS, "builtins"}


def test_a_csrf_check_is_made_and_skipped(rf: RequestFactory) -> None:
    request: Any = rf.post("/", {"code": "1"})
    request._dont_enforce_csrf_checks = False
    internals.skip_csrf_middleware(request, True)
    middleware: Any = internals.CsrfCheck(lambda request: HttpResponse())
    assert middleware.process_view(request, lambda request: None, (), {}) is None
    assert internals.csrf_failure(request)
    assert internals.csrf_failure(rf.get("/")) is None


def test_a_csrf_cookie_is_set(rf: RequestFactory) -> None:
    from django.middleware.csrf import get_token

    request, response = rf.get("/"), HttpResponse()
    get_token(request)
    internals.set_csrf_cookie(request, response)
    assert "csrftoken" in response.cookies


def test_a_code_is_scrubbed(rf: RequestFactory) -> None:
    form: Any = rf.post("/", "code=123456&next=/", "application/x-www-form-urlencoded")
    assert form.POST["code"] == "123456"
    internals.scrub_code(form)
    assert (form.POST["code"], form.POST["next"], form.body) == ("********************", "/", b"")
    with pytest.raises(AttributeError):
        form.POST["code"] = "1"


@pytest.mark.parametrize("make", [RequestFactory, AsyncRequestFactory])
@pytest.mark.parametrize("read", ["POST", "body", ""])
def test_nothing_reads_a_scrubbed_body(make: Any, read: str) -> None:
    fields = {"code": "123456", "next": "/", "other": SimpleUploadedFile("a", b"1")}
    request: Any = make().post("/", fields)
    if read:
        getattr(request, read)
    for _ in range(2):
        internals.scrub_code(request)
        assert (request.body, request.read()) == (b"", b"")
        assert (dict(request.POST), len(request.FILES)) == (
            ({"code": ["********************"], "next": ["/"]}, 1) if read == "POST" else ({}, 0)
        )
    bare: Any = HttpRequest()
    internals.scrub_code(bare)
    assert bare.body == b""
    request.close()


def test_a_session_store_has_no_user_of_its_own() -> None:
    assert SessionStore().get("_auth_user_id") is None


def test_a_failed_receiver_is_logged_by_one_method(caplog: pytest.LogCaptureFixture) -> None:
    """Sync and async; with its traceback, unless the signal is quiet."""

    def fail(**_: Any) -> None:
        raise ValueError("with a secret")

    for quiet in (False, True):
        signal = internals.RobustSignal(quiet=quiet)
        failing = partial(fail)
        signal.connect(failing)
        signal.send_robust(sender=None)
        async_to_sync(signal.asend_robust)(sender=None)
        found = [(one.name, one.getMessage(), bool(one.exc_info)) for one in caplog.records]
        assert (
            found == [("django.dispatch", "Receiver failed: partial (ValueError)", not quiet)] * 2
        )
        caplog.clear()
