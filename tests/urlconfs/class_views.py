"""Class views that were decorated, and their relatives, which were not."""
# ruff: noqa: UP008

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.generic import TemplateView
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from otp_gate.decorators import otp_exempt, otp_required
from tests import urls, views


class Report(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return views.secret(request)


class AsyncReport(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await views.asecret(request)


class Payroll(Report):
    pass


@otp_exempt
class About(View):
    """What it says of itself."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return views.secret(request)


class AboutWages(About):
    pass


class OpenAgain(About):
    pass


OpenAgain = otp_exempt(OpenAgain)  # type: ignore[misc]


@otp_exempt
class AsyncAbout(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await views.asecret(request)


class AsyncWages(AsyncAbout):
    pass


@method_decorator(otp_exempt, name="dispatch")
class OpenDispatch(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return views.secret(request)


class InheritsDispatch(OpenDispatch):
    pass


class Legacy(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        views.RAN["legacy"] += 1
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return views.secret(request)


@otp_exempt
class OpenByName(Legacy):
    """Written for Python 2: its methods call `super` by the name of the class."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return super(OpenByName, cls).as_view(**initkwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super(OpenByName, self).dispatch(request, *args, **kwargs)


class ClosedByName(OpenByName):
    pass


@otp_required(max_age=300)
class RequiredByName(Legacy):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super(RequiredByName, self).dispatch(request, *args, **kwargs)


class InheritsByName(RequiredByName):
    pass


@otp_required(max_age=300)
class GetByName(Report):
    def get(self, request: HttpRequest) -> HttpResponse:
        return super(GetByName, self).get(request)


def local() -> Any:
    @otp_required(max_age=300)
    class Local(Report):
        def get(self, request: HttpRequest) -> HttpResponse:
            return super(Local, self).get(request)

    return Local


class SaysItsName(Report):
    """The same, before it is decorated for one address: the name stays what it is."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return super(SaysItsName, self).get(request)


def local_that_is_bound() -> tuple[Any, Any]:
    class Bound(Report):
        def get(self, request: HttpRequest) -> HttpResponse:
            return super(Bound, self).get(request)

    return otp_required(max_age=300)(Bound), Bound


LocalFresh, LocalBound = local_that_is_bound()


@otp_required(max_age=300)
class Pay(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return views.secret(request)


class PayMore(Pay):
    pass


@otp_required(max_age=300)
class AsyncPay(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await views.asecret(request)


class AsyncPayMore(AsyncPay):
    pass


class Mixin:
    """What follows a decorated class in the order of resolution is not left out."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        views.RAN["mixin"] += 1
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class PayMixed(Pay, Mixin, View):
    pass


class Things(ViewSet):
    authentication_classes = (SessionAuthentication,)

    def list(self, request: Any) -> Response:
        return Response(views.secret(request).content.decode())

    def create(self, request: Any) -> Response:
        return self.list(request)


ACTIONS: Any = {"get": "list", "post": "create"}

OPEN = {
    "face": otp_exempt(Report).as_view(),
    "async-face": otp_exempt(AsyncReport).as_view(),
    "about": About.as_view(),
    "async-about": AsyncAbout.as_view(),
    "open-again": OpenAgain.as_view(),
    "open-dispatch": OpenDispatch.as_view(),
    "open-by-name": OpenByName.as_view(),
    "open-says": otp_exempt(SaysItsName).as_view(),
    "open-wages": otp_exempt(AboutWages.as_view()),
    "open-inherits": otp_exempt(InheritsDispatch.as_view()),
    "things": otp_exempt(Things).as_view(ACTIONS),
}
SHUT = {
    "report": Report.as_view(),
    "async-report": AsyncReport.as_view(),
    "payroll": Payroll.as_view(),
    "wages": AboutWages.as_view(),
    "async-wages": AsyncWages.as_view(),
    "inherits-dispatch": InheritsDispatch.as_view(),
    "closed-by-name": ClosedByName.as_view(),
    "says": SaysItsName.as_view(),
    "template": TemplateView.as_view(template_name="otp_gate/base.html"),
    "all-things": Things.as_view(ACTIONS),
}
FRESH = {
    "pay": Pay.as_view(),
    "pay-more": PayMore.as_view(),
    "async-pay": AsyncPay.as_view(),
    "async-pay-more": AsyncPayMore.as_view(),
    "pay-mixed": PayMixed.as_view(),
    "required-by-name": RequiredByName.as_view(),
    "inherits-by-name": InheritsByName.as_view(),
    "get-by-name": GetByName.as_view(),
    "local-by-name": local().as_view(),
    "local-fresh": LocalFresh.as_view(),
    "says-fresh": otp_required(max_age=300)(SaysItsName).as_view(),
    "report-fresh": otp_required(max_age=300)(Report).as_view(),
    "async-report-fresh": otp_required(max_age=300)(AsyncReport).as_view(),
    "things-fresh": otp_required(max_age=300)(Things).as_view(ACTIONS),
}
ANY_AGE = {
    "report": SHUT["report"],
    "async-report": SHUT["async-report"],
    "says": SHUT["says"],
    "local-bound": LocalBound.as_view(),
    "all-things": SHUT["all-things"],
}
EVERY = OPEN | SHUT | FRESH | ANY_AGE

urlpatterns = [
    *[path(f"{name}/", view, name=name) for name, view in EVERY.items()],
    path("terms/", otp_exempt(TemplateView).as_view(template_name="otp_gate/turbo.html")),
    path("", include(urls)),
]
