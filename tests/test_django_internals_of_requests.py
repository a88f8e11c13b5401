"""The private names of Django's requests, URL patterns and lazy objects are what they were."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, QueryDict, RawPostDataException
from django.middleware.cache import FetchFromCacheMiddleware, UpdateCacheMiddleware
from django.test import AsyncRequestFactory, RequestFactory
from django.urls import path
from django.utils.datastructures import MultiValueDict
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy
from rest_framework.request import Request

from otp_gate import django_internals as internals

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(params=[RequestFactory, AsyncRequestFactory])
def sent(request: pytest.FixtureRequest) -> Any:
    """A request whose form has been read."""
    found: Any = request.param().post("/?page=1", "colour=blue", FORM)
    assert found.POST["colour"] == "blue"
    assert found.GET["page"] == "1"
    return found


def test_another_body_is_read(sent: Any) -> None:
    internals.reread_request(sent, None)
    internals.put_body(sent, b"colour=red")
    assert sent.body == b"colour=red"
    assert sent.read() == b"colour=red"
    assert sent.POST["colour"] == "red"


def test_a_body_takes_the_place_of_a_form(sent: Any) -> None:
    """Nothing of the form is left, and the body can be read, once, in parts."""
    files = MultiValueDict({"paper": [SimpleUploadedFile("a", b"1")]})
    internals.put_form(sent, QueryDict("colour=green", mutable=True), files)
    internals.reread_request(sent, None)
    internals.put_body(sent, b"colour=red")
    assert not sent.FILES
    del sent._body
    assert sent.body == b"colour=red"
    internals.put_body(sent, b"colour=red")
    del sent._body
    assert sent.readline() == b"colour=red"
    with pytest.raises(RawPostDataException):
        sent.body  # noqa: B018


@pytest.mark.parametrize("make", [RequestFactory, AsyncRequestFactory])
@pytest.mark.parametrize("read", [True, False])
def test_a_form_takes_the_place_of_a_body(make: Any, read: bool) -> None:
    request = make().post("/", "colour=blue", FORM)
    if read:
        assert request.body == b"colour=blue"
    fields = QueryDict("colour=red", mutable=True)
    files = MultiValueDict({"paper": [SimpleUploadedFile("a", b"1")]})
    internals.reread_request(request, None)
    internals.put_form(request, fields, files)
    assert request.POST.dict() == {"colour": "red"}
    assert request.FILES["paper"].read() == b"1"
    with pytest.raises(AttributeError):
        request.POST["colour"] = "green"
    with pytest.raises(RawPostDataException):
        request.body  # noqa: B018


@pytest.mark.parametrize("parameter", ["", "; charset=latin-1"])
def test_the_headers_are_read_again(sent: Any, parameter: str) -> None:
    assert sent.headers["Content-Type"] == FORM
    sent.META["CONTENT_TYPE"] = f"application/json{parameter}"
    sent.META["QUERY_STRING"] = "page=2"
    if hasattr(sent, "scope"):
        sent.scope["query_string"] = b"page=2"
    internals.reread_request(sent, "cp1252")
    assert sent.headers["Content-Type"] == f"application/json{parameter}"
    assert sent.content_type == "application/json"
    assert sent.content_params == ({"charset": "latin-1"} if parameter else {})
    assert sent.GET["page"] == "2"
    assert sent.encoding == "cp1252"


@pytest.mark.parametrize("kept", [True, False])
def test_an_answer_is_kept_out_of_the_page_cache(rf: RequestFactory, kept: bool) -> None:
    request = rf.get("/page/")
    FetchFromCacheMiddleware(lambda request: HttpResponse()).process_request(request)
    if not kept:
        internals.leave_page_cache(request)
    answer = HttpResponse("page")
    UpdateCacheMiddleware(lambda request: answer).process_response(request, answer)
    again = FetchFromCacheMiddleware(lambda request: HttpResponse()).process_request(
        rf.get("/page/")
    )
    assert (again is not None) is kept
    cache.clear()


def test_the_request_inside_a_request_is_found(rf: RequestFactory) -> None:
    request = rf.get("/")
    assert internals.wrapped_request(Request(request)) is request
    assert internals.wrapped_request(request) is None


def test_the_object_inside_a_lazy_object_is_found() -> None:
    found = {"colour": "blue"}
    lazy = SimpleLazyObject(lambda: found)
    assert lazy == found
    assert internals.unwrapped(lazy) is found
    assert internals.unwrapped(found) is found


def test_a_translated_route_is_recognised() -> None:
    def view(request: Any) -> HttpResponse:
        return HttpResponse()

    assert internals.is_translated(path(gettext_lazy("about/"), view).pattern)
    assert not internals.is_translated(path("about/", view).pattern)
