from __future__ import annotations

from tests.projects.contract import Project, admin_login, superuser


def prepare() -> None:
    from django.contrib.auth.models import Group

    superuser()
    Group.objects.create(name="editors")


PROJECT = Project(
    packages=("django-unfold",),
    inside="/admin/",
    roads={"its admin login": admin_login},
    prepare=prepare,
    samples={"content_type_id": "4", "object_id": "1"},
)
