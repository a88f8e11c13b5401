from __future__ import annotations

from typing import Any

from tests.projects.contract import NAME, PASSWORD, Project, post, superuser


def log_in(client: Any) -> None:
    post(client, "/admin/login/", username=NAME, password=PASSWORD)


def django_admin(client: Any) -> None:
    post(client, "/django-admin/login/", username=NAME, password=PASSWORD)


PROJECT = Project(
    packages=("wagtail",),
    inside="/admin/",
    roads={"its login": log_in, "Django's admin": django_admin},
    prepare=superuser,
    unstable=(r"\?v=[0-9a-f]{8}",),  # its version, and the list of apps
    samples={"object_id": "1", "page_id": "3", "page_to_copy_id": "3", "content_type_id": "4"},
)
