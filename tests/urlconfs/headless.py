"""django-allauth headless, both clients; a view of the project's own for apps; and a plain page."""

from __future__ import annotations

from typing import Any

from allauth.headless.contrib.rest_framework.authentication import XSessionTokenAuthentication
from allauth.headless.internal.decorators import app_view
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_gate.decorators import otp_required
from otp_gate.drf import IsVerified
from otp_gate.state import GateState
from tests import views
from tests.urls import urlpatterns as pages


@app_view
def own(request: HttpRequest) -> JsonResponse:
    """What a project writes with allauth's decorator."""
    views.RAN["own"] += 1
    return JsonResponse({"user": request.user.get_username()})


def plain(request: HttpRequest) -> JsonResponse:
    """A page that knows nothing of allauth."""
    views.RAN["plain"] += 1
    return JsonResponse({"user": request.user.get_username()})


@app_view
def state(request: HttpRequest) -> JsonResponse:
    """What `request.otp_gate` says inside a view of the app client."""
    gate: GateState = request.otp_gate  # type: ignore[attr-defined]
    return JsonResponse({"status": gate.status, "user": gate.user_id, "factor": gate.factor})


@app_view
@otp_required(max_age=300)
def transfer(request: HttpRequest) -> JsonResponse:
    """Step-up in a view of the app client."""
    views.RAN["transfer"] += 1
    return JsonResponse({"user": request.user.get_username()})


class Account(APIView):
    """An API of the project's own, for apps and for browsers."""

    authentication_classes = (XSessionTokenAuthentication, SessionAuthentication)
    permission_classes = (IsVerified,)

    def get(self, request: Request) -> Response:
        views.RAN["account"] += 1
        return Response({"user": request.user.get_username()})


urlpatterns: list[Any] = [
    path("_allauth/", include("allauth.headless.urls")),
    path("own/", own, name="own"),
    path("who/", plain, name="who"),
    path("state/", state, name="state"),
    path("transfer/", transfer, name="transfer"),
    path("api/account/", Account.as_view(), name="account"),
    path("api/fresh/", Account.as_view(permission_classes=[IsVerified.within(300)]), name="fresh"),
    *pages,
]
