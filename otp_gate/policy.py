"""Who must pass the gate. A policy is a callable `(request) -> bool`, sync or async.

It is asked on every request of a logged-in session that is not verified, with the user loaded.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.http import HttpRequest

from otp_gate.conf import Policy


def everyone(request: HttpRequest) -> bool:
    """Every logged-in user must pass. The default; the gate need not even load the user."""
    return True


def staff(request: HttpRequest) -> bool:
    """Users who may enter the admin must pass."""
    return bool(getattr(request.user, "is_staff", False))


def superusers(request: HttpRequest) -> bool:
    """Superusers must pass."""
    return bool(getattr(request.user, "is_superuser", False))


def groups(*names: str) -> Policy:
    """Return the policy by which members of any of these groups must pass; superusers always."""

    def in_groups(request: HttpRequest) -> bool:
        user: Any = request.user
        return superusers(request) or user.groups.filter(name__in=names).exists()

    return in_groups


# What only looks at a loaded user needs no thread under ASGI; anything else may ask the database.
WITHOUT_IO = (everyone, staff, superusers)


def requires(policy: Policy, request: HttpRequest) -> bool:
    """Ask a policy, sync or async."""
    return bool(async_to_sync(policy)(request) if is_async(policy) else policy(request))


async def arequires(policy: Policy, request: HttpRequest) -> bool:
    """See `requires`."""
    if is_async(policy):
        return bool(await policy(request))
    if policy in WITHOUT_IO:
        return bool(policy(request))
    return bool(await sync_to_async(policy)(request))


def is_async(policy: Policy) -> bool:
    """True for an `async def`, and for an object whose `__call__` is one."""
    return iscoroutinefunction(policy) or iscoroutinefunction(type(policy).__call__)
