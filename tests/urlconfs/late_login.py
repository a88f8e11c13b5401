"""Views that log a user in and then go on, in the same request."""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth import alogin, authenticate, get_user_model, login, logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from otp_gate.decorators import otp_exempt, otp_required
from otp_gate.streams import while_verified
from tests import urls


def name_of(user: Any) -> str:
    return str(user.get_username()) if user.is_authenticated else "nobody"


@otp_required
def transfer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"transferred by {name_of(request.user)}")


def run(request: HttpRequest) -> HttpResponse:
    """Run a list of calls, as a JSON-RPC batch or a GraphQL document does."""
    said = []
    for call in json.loads(request.body):
        if call == "transfer":
            answer = transfer(request)
            said.append(answer.content.decode() if answer.status_code == 200 else "refused")
        elif call == "log out":
            logout(request)
        elif call == "who":
            said.append(name_of(request.user))
        elif call == "auser":
            said.append(name_of(async_to_sync(request.auser)()))
        elif call == "state":
            state: Any = request.otp_gate  # type: ignore[attr-defined]
            pending = state.pending_user
            said.append(f"{state.status} {state.factor} {pending and pending.get_username()}")
        else:
            login(request, authenticate(request, username=call, password="correct horse"))  # type: ignore[arg-type]
    return JsonResponse(said, safe=False)


async def arun(request: HttpRequest) -> HttpResponse:
    """The same for an async view: log in, then tell who is there by each accessor."""
    from asgiref.sync import sync_to_async

    name = json.loads(request.body)
    user = await sync_to_async(authenticate)(request, username=name, password="correct horse")
    await alogin(request, user)  # type: ignore[arg-type]
    state: Any = request.otp_gate  # type: ignore[attr-defined]
    seen = [name_of(await request.auser()), name_of(request.user), state.status]
    return JsonResponse([*seen, name_of(await state.apending_user())], safe=False)


def exchange(request: Any) -> None:
    """Put the user of a header into the request, as a token or a signed link does."""
    user = get_user_model().objects.get(username=request.headers["X-User"])
    if "X-Only-Auser" not in request.headers:
        request.user = user

    async def auser() -> Any:
        return user

    request.auser = auser


def exchanged(request: HttpRequest) -> Any:
    exchange(request)
    return transfer(request)


@otp_required(max_age=300)
async def atransfer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"transferred by {name_of(await request.auser())}")


async def aexchanged(request: HttpRequest) -> Any:
    from asgiref.sync import sync_to_async

    await sync_to_async(exchange)(request)
    return await atransfer(request)


def streamed(request: HttpRequest) -> Any:
    if "X-User" in request.headers:
        exchange(request)
    return StreamingHttpResponse(while_verified(request, iter([b"private"])))


class Greeting(LoginView):
    """A login view of the project's own, which reads the user after the login."""

    def form_valid(self, form: Any) -> HttpResponse:
        super().form_valid(form)
        return HttpResponse(f"hello {name_of(self.request.user)}")


def decorated(request: HttpRequest) -> HttpResponse:
    """Stands for `verified_email_required(run)`: what it returns is of the decorator's module."""
    return run(request)


decorated.__module__ = "allauth.account.decorators"


class GraphQLView:
    """Stands for the view of a GraphQL package."""

    __module__ = "graphene_django.views"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return run(request)


def graphql(request: HttpRequest) -> HttpResponse:
    return run(request)


graphql.view_class = GraphQLView  # type: ignore[attr-defined]
graphql.csrf_exempt = True  # type: ignore[attr-defined]

urlpatterns = [
    path("batch/", csrf_exempt(run), name="batch"),
    path("abatch/", csrf_exempt(arun), name="abatch"),
    path("open-batch/", csrf_exempt(otp_exempt(run)), name="open-batch"),
    path("graphql/", graphql, name="graphql"),
    path("decorated-batch/", csrf_exempt(decorated)),
    path("greeting/", Greeting.as_view(), name="greeting"),
    path("transfer/", transfer),
    path("exchanged/", exchanged),
    path("aexchanged/", aexchanged),
    path("streamed/", streamed),
    path("", include(urls)),
]
