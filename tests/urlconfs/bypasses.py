"""Views that are opened inside by what is no session, and their neighbours that are not.

Real packages where they are among the tests' own; of the others the dotted names are recognised.
"""

from __future__ import annotations

from typing import Any

import strawberry
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from ninja import NinjaAPI
from ninja.security import APIKeyHeader, HttpBasicAuth, HttpBearer, SessionAuth, django_auth
from ninja.security import django_auth_is_staff as staff
from rest_framework import routers, serializers, viewsets
from rest_framework.authentication import (
    RemoteUserAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from sesame.decorators import authenticate
from strawberry.django.views import AsyncGraphQLView, GraphQLView

from otp_gate.decorators import otp_exempt, otp_required
from otp_gate.drf import IsVerified
from otp_gate.ninja import verified
from tests.urlconfs.credentials import Base, as_framework_view, named, with_dress

# django-ninja


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return token


class Basic(HttpBasicAuth):
    async def authenticate(self, request: HttpRequest, username: str, password: str) -> Any:
        return username


class Key(APIKeyHeader):
    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return key


class OwnSession(SessionAuth):
    """Called as the session's, but it takes a key."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.headers.get("X-Key")


TokenInput = named("ninja_jwt.schema.TokenObtainPairInputSchema", object)


class OwnTokenInput(TokenInput):  # type: ignore[misc]
    """A project's subclass."""


api = NinjaAPI(urls_namespace="api")


def operation(request: HttpRequest) -> int:
    return 1


for name, auth in {
    "bearer": Bearer(),
    "basic": Basic(),
    "key": [django_auth, Key()],
    "function": lambda request: request.GET.get("key"),
    "own-session": OwnSession(),
    "one-of-two": [verified(Bearer()), Key()],
}.items():
    api.get(f"/{name}", auth=auth, url_name=f"ninja-{name}")(operation)
api.get("/two-methods", auth=django_auth, url_name="ninja-two-methods")(operation)
api.post("/two-methods", auth=Bearer(), url_name="ninja-two-methods")(operation)
for name, auth in {
    "none": None,
    "session": [django_auth, staff],
    "verified": verified([Bearer(), Basic()]),
    "verified-or-session": [verified(Key(), max_age=60), django_auth],
}.items():
    api.get(f"/{name}", auth=auth, url_name=f"ninja-{name}")(operation)


# django-ninja-jwt takes name and password as one parameter; ninja's own would read the annotation.
def obtain(request: HttpRequest, user_token: OwnTokenInput) -> int:
    return 1


obtain.__annotations__["user_token"] = OwnTokenInput


class PathView:
    """What django-ninja makes of a path, with the operation of django-ninja-jwt."""

    def __init__(self) -> None:
        self.operations = [type("Operation", (), {"view_func": obtain, "auth_callbacks": []})()]

    def get_view(self) -> Any:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(len(self.operations))

        return view


# Django REST framework


class Free(SessionAuthentication):
    """A project's own, as many have it."""

    def enforce_csrf(self, request: Any) -> None: ...


class Other(SessionAuthentication):
    """Called as the session's, but it takes another user."""

    def authenticate(self, request: Any) -> Any: ...


class Chooses(APIView):
    def get_authenticators(self) -> list[Any]:
        return [TokenAuthentication()]


class Asked(APIView):
    @property
    def authentication_classes(self) -> list[Any]:  # type: ignore[override]
        return [TokenAuthentication]


def api_function(*ways: Any, permissions: Any = (IsAuthenticated,)) -> Any:
    @api_view(["GET", "POST"])
    @authentication_classes(ways)
    @permission_classes(permissions)
    def view(request: Any) -> Response:
        return Response()

    return view


class PersonSerializer(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ("id", "email")


class EverythingSerializer(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = "__all__"


class ReadOnlySerializer(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ("id", "email")
        read_only_fields = ("email",)


class WithoutSerializer(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        exclude = ("email",)


class People(viewsets.ModelViewSet):
    authentication_classes = (TokenAuthentication,)
    queryset = get_user_model().objects.all()
    serializer_class: Any = PersonSerializer


class SessionPeople(People):
    authentication_classes = (SessionAuthentication,)


class VerifiedPeople(People):
    permission_classes = (IsVerified,)


class EditsAddress(APIView):
    authentication_classes = (TokenAuthentication,)
    serializer_class: Any = EverythingSerializer

    def patch(self, request: Any) -> Response:
        return Response()


class EditsName(EditsAddress):
    serializer_class = WithoutSerializer


class ReadsAddress(EditsAddress):
    serializer_class = ReadOnlySerializer


router = routers.SimpleRouter()
router.register("people", People, basename="people")
router.register("session-people", SessionPeople, basename="session-people")
router.register("verified-people", VerifiedPeople, basename="verified-people")


# django-sesame


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def apage(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Page(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


@method_decorator(authenticate, name="dispatch")
class ByLink(Page):
    """Every method."""


class GetByLink(Page):
    """One method."""

    @method_decorator(authenticate(scope="page"))
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


@method_decorator(authenticate, name="dispatch")
@otp_required
class ByLinkWithCode(Page):
    """The code of the user whom the link names is asked for."""


@otp_required
@method_decorator(authenticate, name="dispatch")
class ByLinkBehindCode(Page):
    """The code of the user of the session is asked for, before the link names another."""


def unfinished() -> Any:
    """Return a view that refers to what is not there yet."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(_text)

    for _text in ():
        pass
    return view


# GraphQL


@strawberry.type
class Query:
    name: str = "x"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def token_auth(self, username: str, password: str) -> str:
        return "token"


@strawberry.type
class Rename:
    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


plain_schema = strawberry.Schema(Query, mutation=Rename)
token_schema = strawberry.Schema(Query, mutation=Mutation)
Graphene = named("graphene_django.views.GraphQLView", Base, schema=None, middleware=None)


class Subclass(GraphQLView):
    """A project's own."""


JwtMiddleware = named("graphql_jwt.middleware.JSONWebTokenMiddleware", object)

BYPASSING: dict[str, tuple[Any, str]] = {
    "drf-token": (api_function(SessionAuthentication, TokenAuthentication), "TokenAuthentication"),
    "drf-jwt": (APIView.as_view(authentication_classes=[JWTAuthentication]), "JWTAuthentication"),
    "drf-knox": (
        APIView.as_view(authentication_classes=[named("knox.auth.TokenAuthentication", object)]),
        "TokenAuthentication",
    ),
    "drf-remote": (api_function(RemoteUserAuthentication), "RemoteUserAuthentication"),
    "drf-default": (APIView.as_view(), "takes a password with each request (BasicAuthentication)"),
    "drf-other": (api_function(Other), "takes a token (Other)"),
    "drf-chooses": (Chooses.as_view(), "chooses its authentication by itself (Chooses)"),
    "drf-asked": (Asked.as_view(), "chooses its authentication by itself (Asked)"),
    "drf-step-up": (otp_required(api_function(TokenAuthentication)), "TokenAuthentication"),
    "drf-either": (
        api_function(TokenAuthentication, permissions=[IsVerified | IsAuthenticated]),
        "TokenAuthentication",
    ),
    "protected": (
        named("api.Own", named("oauth2_provider.views.mixins.ProtectedResourceMixin")).as_view(),
        "takes a token (ProtectedResourceMixin)",
    ),
    "address": (EditsAddress.as_view(), "(TokenAuthentication), changes where codes go"),
    "link": (authenticate(page), "takes the user from a link (sesame)"),
    "link-dressed": (with_dress(authenticate(scope="page")(page)), "from a link (sesame)"),
    "link-exempt": (otp_exempt(authenticate(page)), "from a link (sesame), @otp_exempt"),
    "link-behind-code": (otp_required(authenticate(page)), "from a link (sesame)"),
    "link-class": (ByLink.as_view(), "from a link (sesame)"),
    "link-method": (GetByLink.as_view(), "from a link (sesame)"),
    "link-class-behind-code": (ByLinkBehindCode.as_view(), "from a link (sesame)"),
    "cas": (
        named("mama_cas.views.LoginView").as_view(),
        "gives a ticket in the answer to the login (LoginView)",
    ),
    "cas-own": (
        named("sso.Login", named("mama_cas.views.LoginView")).as_view(),
        "gives a ticket in the answer to the login (LoginView)",
    ),
    "graphql-mutation": (
        Subclass.as_view(schema=token_schema),
        "gives a token for a password (tokenAuth)",
    ),
    "agraphql-mutation": (
        AsyncGraphQLView.as_view(schema=token_schema),
        "gives a token for a password (tokenAuth)",
    ),
    "graphene-middleware": (
        Graphene.as_view(schema=plain_schema, middleware=[JwtMiddleware]),
        "takes a token in its resolvers (graphql_jwt)",
    ),
    "ninja-jwt": (PathView().get_view(), "gives a token for a password (TokenObtainPair"),
}

GATED: dict[str, Any] = {
    "drf-session": api_function(SessionAuthentication),
    "drf-free": api_function(Free),
    "drf-nobody": APIView.as_view(authentication_classes=[]),
    "drf-verified": api_function(TokenAuthentication, permissions=[IsVerified]),
    "drf-given": APIView.as_view(
        authentication_classes=[TokenAuthentication], permission_classes=[IsVerified]
    ),
    "drf-verified-of-others": as_framework_view(
        APIView, permission_classes=[IsVerified & IsAuthenticated]
    ),
    "link-with-code": authenticate(otp_required(page)),
    "link-class-with-code": ByLinkWithCode.as_view(),
    "graphql": GraphQLView.as_view(schema=plain_schema),
    "graphene": Graphene.as_view(schema=plain_schema),
    "graphene-given": Graphene.as_view(schema=plain_schema, middleware=[object()]),
    "class": Page.as_view(),
    "async": apage,
    "unfinished": unfinished(),
}

urlpatterns = [
    *[path(f"{name}/", view, name=name) for name, (view, _) in BYPASSING.items()],
    *[path(f"{name}/", view, name=name) for name, view in GATED.items()],
    path("graphene-settings/", Graphene.as_view(), name="graphene-settings"),
    path("edits-name/", EditsName.as_view(), name="edits-name"),
    path("reads-address/", ReadsAddress.as_view(), name="reads-address"),
    path("", include(router.urls)),
    path("ninja/", api.urls),
    path("otp/", include("otp_gate.urls")),
]
