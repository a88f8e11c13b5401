"""GraphQL whose resolvers ask for the code: the contexts of strawberry, graphene and ariadne."""

from __future__ import annotations

from typing import Any

import strawberry
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.http import HttpRequest
from django.urls import path
from strawberry.django.views import AsyncGraphQLView, GraphQLView

from otp_gate.decorators import otp_exempt
from otp_gate.graphql import require_verified
from tests import views
from tests.urls import urlpatterns as pages


def request_in(context: Any) -> HttpRequest:
    found = context["request"] if isinstance(context, dict) else context
    return getattr(found, "request", found)


@strawberry.type
class Query:
    @strawberry.field
    def secret(self, info: strawberry.Info) -> str:
        require_verified(info)
        views.RAN["graphql"] += 1
        return str(request_in(info.context).user.get_username())

    @strawberry.field
    def fresh(self, info: strawberry.Info) -> str:
        require_verified(info, max_age=60)
        views.RAN["graphql"] += 1
        return "fresh"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def become(self, info: strawberry.Info, name: str, password: str) -> bool:
        """What token libraries do: another user for the rest of the request."""
        user = authenticate(username=name, password=password)
        request_in(info.context).user = user or get_user_model()()
        return user is not None

    @strawberry.mutation
    def transfer(self, info: strawberry.Info) -> str:
        require_verified(info)
        views.RAN["graphql"] += 1
        return "transferred"


@strawberry.type
class AsyncQuery:
    @strawberry.field
    async def secret(self, info: strawberry.Info) -> str:
        await require_verified(info)
        views.RAN["graphql"] += 1
        return str(request_in(info.context).user.get_username())

    @strawberry.field
    async def fresh(self, info: strawberry.Info) -> str:
        require_verified(info, max_age=60)
        views.RAN["graphql"] += 1
        return "fresh"


@strawberry.type
class AsyncMutation:
    @strawberry.mutation
    async def become(self, info: strawberry.Info, name: str, password: str) -> bool:
        user = await aauthenticate(username=name, password=password)
        request_in(info.context).user = user or get_user_model()()
        return user is not None

    @strawberry.mutation
    async def transfer(self, info: strawberry.Info) -> str:
        require_verified(info)
        views.RAN["graphql"] += 1
        return "transferred"


class LikeGraphene(GraphQLView):
    """The context is the request."""

    def get_context(self, request: HttpRequest, response: Any) -> Any:
        return request


class LikeAriadne(GraphQLView):
    """The context is a dict."""

    def get_context(self, request: HttpRequest, response: Any) -> Any:
        return {"request": request}


class AsyncLikeAriadne(AsyncGraphQLView):
    async def get_context(self, request: HttpRequest, response: Any) -> Any:
        return {"request": request}


class WithoutRequest(GraphQLView):
    def get_context(self, request: HttpRequest, response: Any) -> Any:
        return {"user": request.user}


schema = strawberry.Schema(Query, mutation=Mutation)
aschema = strawberry.Schema(AsyncQuery, mutation=AsyncMutation)

urlpatterns = [
    path("strawberry/", GraphQLView.as_view(schema=schema)),
    path("graphene/", LikeGraphene.as_view(schema=schema)),
    path("ariadne/", LikeAriadne.as_view(schema=schema)),
    path("astrawberry/", AsyncGraphQLView.as_view(schema=aschema)),
    path("aariadne/", AsyncLikeAriadne.as_view(schema=aschema)),
    path("without/", WithoutRequest.as_view(schema=schema)),
    path("exempt/", otp_exempt(GraphQLView.as_view(schema=schema))),
    *pages,
]
