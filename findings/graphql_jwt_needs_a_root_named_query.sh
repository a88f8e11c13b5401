#!/usr/bin/env bash
# In a GraphQL schema the root types may have any name. The middleware of django-graphql-jwt looks the root up by
# the name "Query": with another name, every request with an Authorization header ends in an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check \
  django==5.2.19 graphene-django==3.2.3 graphene==3.4.3 django-graphql-jwt==0.3.4 || exit 2
cd "$folder" && ./venv/bin/python -W ignore - <<'PY'
import sys
from importlib.metadata import version

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a secret of this finding, long enough",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    AUTHENTICATION_BACKENDS=["graphql_jwt.backends.JSONWebTokenBackend"],
)
django.setup()
import graphene
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.test import RequestFactory
from graphql_jwt.middleware import JSONWebTokenMiddleware
from graphql_jwt.shortcuts import get_token

call_command("migrate", verbosity=0)
token = get_token(User.objects.create_user("ann"))


class Query(graphene.ObjectType):
    name = graphene.String()

    def resolve_name(root, info):
        return info.context.user.get_username()


class RootQuery(Query):
    pass


def ask(root):
    request = RequestFactory().post("/graphql", HTTP_AUTHORIZATION=f"JWT {token}")
    request.user = AnonymousUser()
    found = graphene.Schema(query=root).execute(
        "{ name }", context=request, middleware=[JSONWebTokenMiddleware()]
    )
    return found.errors[0].message if found.errors else found.data["name"]


assert ask(Query) == "ann", ask(Query)
seen = ask(RootQuery)
print(f"django-graphql-jwt {version('django-graphql-jwt')}, graphene {version('graphene')}")
print("expected: ann, as with a root named Query")
print(f"seen:     {seen}")
sys.exit(seen != "'NoneType' object has no attribute 'fields'")
PY
