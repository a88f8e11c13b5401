"""Which views are known to read `request.user` after the login that they make.

Recognised by class and module names over all ancestors, so that no package must be installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.views import LoginView
from django.urls import ResolverMatch

PACKAGES = ("allauth", "dj_rest_auth")
"""Packages whose views answer a login with the data of the user, and do nothing else with it.

Only what stands in their modules `views` counts: their decorators and mixins stand around views of
the project, which may do anything after a login (`verified_email_required` of django-allauth).
"""

ADMIN_SITE = "django.contrib.admin.sites.AdminSite"

BATCHES = (
    "ariadne",
    "ariadne_django",
    "graphene_django",
    "graphql_server",
    "strawberry",
    "tartiflette",
)
"""Packages whose views run many operations in one request, a login and others."""


def is_login_view(match: ResolverMatch | None, named: bool) -> bool:
    """Return True if the user stays visible for the rest of this view after its login.

    Args:
        named: the project names this view in LOGIN_VIEWS.
    """
    if match is None:
        return False
    classes = [base for layer in layers(match.func) for base in classes_of(layer)]
    modules = {path_of(item) for item in (*classes, *layers(match.func))}
    if any(module[0] in BATCHES for module in modules):
        return False
    return (
        named
        or LoginView in classes
        or any(module[0] in PACKAGES and "views" in module for module in modules)
        or any(is_admin_login(layer) for layer in layers(match.func))
    )


def layers(view: Any) -> Iterator[Any]:
    """Give a view, and what its decorators wrap."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def classes_of(view: Any) -> tuple[type, ...]:
    """Return the class of a class view and its ancestors."""
    made_of = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return made_of.__mro__ if isinstance(made_of, type) else ()


def path_of(item: Any) -> tuple[str, ...]:
    """Return the module of a class or function, in its parts."""
    return tuple(str(getattr(item, "__module__", "")).split("."))


def is_admin_login(view: Any) -> bool:
    """Return True for `AdminSite.login`, of any admin site."""
    site = getattr(view, "__self__", None)
    return getattr(view, "__name__", "") == "login" and any(
        f"{base.__module__}.{base.__qualname__}" == ADMIN_SITE for base in type(site).__mro__
    )
