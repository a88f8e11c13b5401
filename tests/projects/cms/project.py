from __future__ import annotations

from typing import Any

from tests.projects.contract import NAME, PASSWORD, Project, post, superuser


def prepare() -> None:
    from cms.api import create_page

    create_page("Home", "page.html", "en", created_by=superuser())


def log_in(client: Any) -> None:
    post(client, "/en/admin/login/", username=NAME, password=PASSWORD)


PROJECT = Project(
    packages=("django-cms",),
    inside="/en/admin/",
    roads={"its admin login": log_in},
    prepare=prepare,
    samples={"object_id": "1", "content_type_id": "4", "slug": "home"},
)
