from __future__ import annotations

from typing import Any

from tests.projects.contract import ADDRESS, PASSWORD, Project, admin_login, superuser
from tests.projects.three_lines import GATED


def prepare() -> None:
    from django.contrib.auth import get_user_model

    superuser()
    get_user_model().objects.create_user("bob", ADDRESS, PASSWORD)


def act_as_bob(client: Any) -> None:
    """A verified superuser becomes Bob, by the button of the admin."""
    from tests.projects.crawl import type_code

    admin_login(client)
    if GATED:
        type_code(client)
    client.get("/admin/")
    response = client.post("/hijack/acquire/", {"user_pk": "2", "next": "/account/"})
    assert response.status_code == 302, response


def hijacked(client: Any) -> None:
    """Who acts as Bob is asked for Bob's code before he sees anything; he may also sign out."""
    from tests.projects.crawl import is_gate

    if GATED:
        other = type(client)()
        act_as_bob(other)
        assert is_gate(other.get("/account/"))
        response = other.post("/otp/cancel/")
        assert response["Location"] == "/admin/login/", response
        assert "_auth_user_id" not in other.session
    act_as_bob(client)
    if GATED:
        assert is_gate(client.get("/account/"))


PROJECT = Project(
    packages=("django-hijack",),
    inside="/account/",
    roads={"admin login": admin_login, "acting as another user": hijacked},
    prepare=prepare,
    samples={"object_id": "1", "content_type_id": "4"},
)
