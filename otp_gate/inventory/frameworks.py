"""Views of django-ninja, GraphQL and allauth headless that a token opens; see `credentials`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from otp_gate.django_internals import view_options
from otp_gate.headless import tokens
from otp_gate.inventory.layers import ancestor, layers, parts

VERIFIED_AUTH = frozenset({"otp_gate.ninja.Verified"})
BASIC_AUTH = frozenset({"ninja.security.http.HttpBasicAuth"})
SESSION_AUTH = frozenset(
    {
        "ninja.security.session.SessionAuth",
        "ninja.security.session.SessionAuthIsStaff",
        "ninja.security.session.SessionAuthSuperUser",
        "ninja_extra.security.session.AsyncSessionAuth",
        "ninja_extra.security.session.AsyncSessionAuthSuperUser",
    }
)
NINJA = ("ninja", "ninja_extra")
TOKEN_SCHEMAS = frozenset(
    {
        "ninja_jwt.schema.TokenObtainInputSchemaBase",
        "ninja_jwt.schema.TokenObtainPairInputSchema",
        "ninja_jwt.schema.TokenObtainSlidingInputSchema",
    }
)

GRAPHQL_VIEWS = frozenset(
    {
        "ariadne_django.views.base.BaseGraphQLView",
        "graphene_django.views.GraphQLView",
        "strawberry.django.views.AsyncGraphQLView",
        "strawberry.django.views.GraphQLView",
    }
)
GRAPHQL_TOKENS = frozenset({"gqlauth", "graphql_auth", "graphql_jwt", "strawberry_django_jwt"})
"""Packages that authenticate inside GraphQL by a token which they give for a password."""

TOKEN_MUTATIONS = frozenset({"createtoken", "obtainjsonwebtoken", "obtaintoken", "tokenauth"})


def bypass(view: Any) -> str:
    """Return how a token opens a view, or "" if in no known way."""
    return headless(view) or ninja(view) or graphql(view)


def headless(view: Any) -> str:
    """See `otp_gate.headless`; the gate judges these views, if it knows allauth's parts."""
    if not tokens.exchanges_session(view):
        return ""
    unknown = tokens.unknown_parts()
    return f"takes a session token ({', '.join(unknown)} not known)" if unknown else ""


def ninja(view: Any) -> str:
    """Return how an operation of django-ninja authenticates by more than the session."""
    for operation in operations(view):
        if found := gives_token(operation):
            return f"gives a token for a password ({found})"
        for way in operation.auth_callbacks:
            if ancestor(type(way), VERIFIED_AUTH) or is_of_session(way):
                continue
            name = getattr(way, "__qualname__", type(way).__qualname__)
            if ancestor(type(way), BASIC_AUTH):
                return f"takes a password with each request ({name})"
            return f"takes a token ({name})"
    return ""


def operations(view: Any) -> Iterator[Any]:
    """Give the operations of django-ninja at one path: one view answers for all its methods."""
    for layer in layers(view):
        for part in parts(layer):
            found = getattr(part, "operations", None)
            if isinstance(found, list):
                yield from (item for item in found if hasattr(item, "auth_callbacks"))


def is_of_session(way: Any) -> bool:
    """Return True for an authentication that takes the user of the session, and no other."""
    own = getattr(way, "authenticate", None)
    return bool(ancestor(type(way), SESSION_AUTH)) and own.__module__.split(".")[0] in NINJA


def gives_token(operation: Any) -> str:
    """Return the schema of django-ninja-jwt in which an operation takes name and password."""
    for parameter in inspect.signature(operation.view_func).parameters.values():
        if found := ancestor(parameter.annotation, TOKEN_SCHEMAS):
            return found
    return ""


def graphql(view: Any) -> str:
    """Return how a token is given or taken by the resolvers behind a GraphQL view.

    What else a resolver does cannot be seen here. A login in it is held by the gate itself.
    """
    for layer in layers(view):
        made_of = getattr(layer, "view_class", None)
        if not ancestor(made_of, GRAPHQL_VIEWS):
            continue
        given = view_options(layer)
        for name in mutations(made_of, given):
            if name.replace("_", "").lower() in TOKEN_MUTATIONS:
                return f"gives a token for a password ({name})"
        for package in token_packages(given.get("middleware")):
            return f"takes a token in its resolvers ({package})"
    return ""


def mutations(made_of: Any, given: dict[str, Any]) -> list[str]:
    """Return the names of the mutations of the schema behind a view."""
    schema = given.get("schema") or getattr(made_of, "schema", None)
    if schema is None and (module := sys.modules.get("graphene_django.settings")):
        schema = module.graphene_settings.SCHEMA
    # The one of graphql-core, in the schema of graphene or of strawberry.
    for name in ("graphql_schema", "_schema"):
        schema = getattr(schema, name, schema)
    return list(getattr(getattr(schema, "mutation_type", None), "fields", ()))


def token_packages(middleware: Any) -> Iterator[str]:
    """Give the packages of GRAPHQL_TOKENS that the settings, or the view, put to work."""
    of_view = [getattr(item, "__module__", "") for item in middleware or ()]
    of_graphene = getattr(settings, "GRAPHENE", {}).get("MIDDLEWARE") or ()
    for path in (
        *of_view,
        *of_graphene,
        *settings.AUTHENTICATION_BACKENDS,
        *settings.MIDDLEWARE,
    ):
        package = str(path).split(".")[0]
        if package in GRAPHQL_TOKENS:
            yield package
