"""An API of each framework: Django REST framework, django-ninja, GraphQL."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

import strawberry
from django.http import HttpRequest
from django.urls import include, path
from ninja import NinjaAPI
from ninja.decorators import decorate_view
from ninja.security import HttpBearer
from rest_framework.authentication import (
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView
from strawberry.django.views import AsyncGraphQLView, GraphQLView

from otp_gate.decorators import otp_exempt, otp_required
from otp_gate.drf import IsVerified
from tests import views
from tests.urls import urlpatterns as pages

EVERY_WAY = [SessionAuthentication, TokenAuthentication, JWTAuthentication, BasicAuthentication]


class ReadOnly(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.method in SAFE_METHODS

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return self.has_permission(request, view)


class Secret(APIView):
    """Says who asks."""

    authentication_classes: ClassVar[Any] = EVERY_WAY
    permission_classes: ClassVar[Any] = [IsVerified]

    def get(self, request: Any) -> Response:
        views.RAN["api"] += 1
        self.check_object_permissions(request, object())
        return Response({"secret": f"of {request.user.get_username() or 'nobody'}"})

    post = get


class OwnToken(APIView):
    """A token for whoever asks, and no name or password in between."""

    permission_classes: ClassVar[Any] = [IsVerified]

    def post(self, request: Any) -> Response:
        return Response({"access": str(RefreshToken.for_user(request.user).access_token)})


class ChoosesItself(TokenObtainPairView):
    permission_classes: ClassVar[Any] = [IsVerified]

    def get_permissions(self) -> list[Any]:
        return []


def allowing(*permissions: Any) -> Any:
    return Secret.as_view(permission_classes=permissions)


GATED = {
    "verified-token": ObtainAuthToken.as_view(permission_classes=[IsVerified]),
    "verified-pair": TokenObtainPairView.as_view(permission_classes=[IsVerified.within(300)]),
    "verified-own": TokenObtainPairView.as_view(permission_classes=[AllowAny & IsVerified]),
    "basic": Secret.as_view(authentication_classes=[BasicAuthentication]),
    "own-token": OwnToken.as_view(),
}
BYPASSING = {
    "token": ObtainAuthToken.as_view(),
    "pair": TokenObtainPairView.as_view(),
    "either": TokenObtainPairView.as_view(permission_classes=[IsAdminUser | IsVerified]),
    "not": TokenObtainPairView.as_view(permission_classes=[~IsVerified]),
    "chooses": ChoosesItself.as_view(),
    "open-basic": Secret.as_view(
        authentication_classes=[BasicAuthentication], permission_classes=[AllowAny]
    ),
}


class ByHeader(HttpBearer):
    """A token that is a name."""

    def authenticate(self, request: HttpRequest, token: str) -> str:
        return token


ninja = NinjaAPI(urls_namespace="ninja")


@ninja.get("/secret/")
def ninja_secret(request: HttpRequest, page: int = 1) -> dict[str, str]:
    views.RAN["ninja"] += 1
    return {"secret": request.user.get_username()}


ninja.post("/secret/")(ninja_secret)


@ninja.get("/step-up/")
@otp_required(max_age=300)
def ninja_step_up(request: HttpRequest, page: int = 1) -> dict[str, int]:
    views.RAN["ninja"] += 1
    return {"page": page}


@ninja.post("/astep-up/")
@decorate_view(otp_required(max_age=300))
async def ninja_astep_up(request: HttpRequest, page: int = 1) -> dict[str, int]:
    views.RAN["ninja"] += 1
    return {"page": page}


@ninja.post("/token/", auth=ByHeader())
@decorate_view(otp_required)
def ninja_by_token(request: HttpRequest) -> dict[str, str]:
    views.RAN["ninja"] += 1
    return {"secret": "of whoever has a token"}


@strawberry.type
class Query:
    @strawberry.field
    def secret(self, info: strawberry.Info) -> str:
        views.RAN["graphql"] += 1
        return f"of {info.context.request.user.get_username()}"


@strawberry.type
class AsyncQuery:
    @strawberry.field
    async def secret(self, info: strawberry.Info) -> str:
        views.RAN["graphql"] += 1
        return f"of {(await info.context.request.auser()).get_username()}"


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header of a password with each request."""
    return {"authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


graphql = GraphQLView.as_view(schema=strawberry.Schema(Query))
agraphql = AsyncGraphQLView.as_view(schema=strawberry.Schema(AsyncQuery))

urlpatterns = [
    path("api/", Secret.as_view(), name="api"),
    path("api/open/", otp_exempt(Secret.as_view()), name="api-open"),
    path("api/recent/", allowing(IsVerified.within(300)), name="api-recent"),
    path("api/no-way/", Secret.as_view(authentication_classes=[]), name="api-no-way"),
    path("api/and/", allowing(IsAdminUser & IsVerified), name="api-and"),
    path("api/or/", allowing(IsVerified | ReadOnly), name="api-or"),
    path("api/ro/", allowing(ReadOnly | IsVerified), name="api-ro"),
    path("api/not/", allowing(~IsVerified), name="api-not"),
    path("api/list/", allowing(IsVerified | ReadOnly, IsAdminUser), name="api-list"),
    path(
        "api/deep/",
        allowing(((IsAdminUser & AllowAny) | IsVerified) & ~ReadOnly),
        name="api-deep",
    ),
    *[path(f"{name}/", view, name=name) for name, view in {**GATED, **BYPASSING}.items()],
    path("ninja/", ninja.urls),
    path("graphql/", graphql, name="graphql"),
    path("agraphql/", agraphql, name="agraphql"),
    path("graphql/step-up/", otp_required(max_age=300)(graphql), name="graphql-step-up"),
    path("agraphql/step-up/", otp_required(max_age=300)(agraphql), name="agraphql-step-up"),
    path("", include(pages)),
]
