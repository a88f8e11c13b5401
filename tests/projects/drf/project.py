from __future__ import annotations

from typing import Any

from tests.projects.contract import NAME, PASSWORD, Project, admin_login, post, superuser
from tests.projects.drf.stories import STORIES


def prepare() -> None:
    from django.contrib.auth.models import Group

    superuser()
    Group.objects.create(name="editors")


def browsable(client: Any) -> None:
    post(client, "/api-auth/login/", username=NAME, password=PASSWORD)


def api(client: Any) -> None:
    client.post("/rest-auth/login/", {"username": NAME, "password": PASSWORD}, "application/json")


PROJECT = Project(
    packages=(
        *("djangorestframework", "djangorestframework-simplejwt", "dj-rest-auth"),
        *("django-rest-knox", "djoser"),
    ),
    inside="/api/people/",
    roads={"browsable API": browsable, "dj-rest-auth": api, "admin login": admin_login},
    prepare=prepare,
    samples={"object_id": "1", "content_type_id": "4"},
    stories=STORIES,
    unstable=(r"\b[0-9a-f]{40}\b",),  # its tokens
)
