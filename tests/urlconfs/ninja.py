"""Operations of django-ninja whose authentication asks for the code, sync and async."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI, Router
from ninja.security import HttpBasicAuth, HttpBearer, django_auth

from otp_gate.ninja import verified
from tests import views
from tests.urls import urlpatterns as pages


def user_named(name: str) -> Any:
    return get_user_model().objects.filter(username=name).first()


class Token(HttpBearer):
    """Returns the user: the token is a user name."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return user_named(token)


class AsyncToken(HttpBearer):
    async def authenticate(self, request: HttpRequest, token: str) -> Any:
        return await get_user_model().objects.filter(username=token).afirst()


class Claims(HttpBearer):
    """Returns what the token says, and sets the user, as the JWT classes of allauth do."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        request.user = user_named(token)
        return {"sub": token}


class Key(HttpBearer):
    """Returns what only the view can make a user of."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return token


class Password(HttpBasicAuth):
    def authenticate(self, request: HttpRequest, username: str, password: str) -> Any:
        user = user_named(username)
        return user if user is not None and user.check_password(password) else None


class Anybody(HttpBearer):
    """Lets anonymous users pass, as allauth's may."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return AnonymousUser()


def logged_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated


async def alogged_in(request: HttpRequest) -> bool:
    return (await request.auser()).is_authenticated


async def akey(request: HttpRequest) -> Any:
    return request.headers.get("X-Key")


WAYS = {
    "token": verified(Token()),
    "atoken": verified(AsyncToken()),
    "claims": verified(Claims()),
    "key": verified(Key()),
    "akey": verified(akey),
    "password": verified(Password()),
    "session": verified(django_auth),
    "function": verified(logged_in),
    "afunction": verified(alogged_in),
    "several": verified([Token(), django_auth]),
    "fresh": verified([Token(), django_auth], max_age=60),
    "anybody": verified(Anybody()),
}

api = NinjaAPI(urls_namespace="sync", auth=verified(Token()))
router = Router(auth=verified([Token()]))


def answer(request: HttpRequest) -> str:
    views.RAN["ninja"] += 1
    return "secret"


async def aanswer(request: HttpRequest) -> str:
    views.RAN["ninja"] += 1
    return "secret"


for name, auth in WAYS.items():
    api.get(f"/{name}", auth=auth, operation_id=name, url_name=name)(answer)
    api.get(f"/async/{name}", auth=auth, operation_id=f"async-{name}", url_name=f"async-{name}")(
        aanswer
    )
api.get("/of-api", operation_id="of-api", url_name="of-api")(answer)
router.get("/of-router", operation_id="of-router", url_name="of-router")(answer)
api.add_router("", router)

urlpatterns = [path("ninja/", api.urls), *pages]
