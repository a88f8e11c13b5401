"""Policies as projects write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.http import HttpRequest


def only_bob(request: HttpRequest) -> bool:
    """Asks the database, as a policy may."""
    return get_user_model().objects.filter(pk=request.user.pk, username="bob").exists()


def all_but_bob(request: HttpRequest) -> bool:
    return bool(request.user.get_username() != "bob")


async def only_bob_async(request: HttpRequest) -> bool:
    """The same, for an ASGI site."""
    user = await request.auser()
    return await get_user_model().objects.filter(pk=user.pk, username="bob").aexists()


@dataclass
class Named:
    """A policy with a state; a dataclass cannot be hashed."""

    name: str

    def __call__(self, request: HttpRequest) -> bool:
        return bool(request.user.get_username() == self.name)


@dataclass
class NamedAsync:
    name: str

    async def __call__(self, request: HttpRequest) -> bool:
        user: Any = await sync_to_async(lambda: request.user)()
        return bool(user.get_username() == self.name)


def broken(request: HttpRequest) -> bool:
    raise RuntimeError("the policy is broken")


def anybody(*, hijacker: Any, hijacked: Any) -> bool:
    """Who may act as whom, for django-hijack: everybody as everybody."""
    return True
