from __future__ import annotations

import re
from typing import Any

from tests.projects.allauth.stories import STORIES
from tests.projects.contract import ADDRESS, NAME, PASSWORD, Project, admin_login, post, superuser


def prepare() -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=superuser(), email=ADDRESS, verified=True, primary=True)


def password(client: Any) -> None:
    post(client, "/accounts/login/", login=NAME, password=PASSWORD)


def code(client: Any) -> None:
    from django.core import mail

    post(client, "/accounts/login/code/", email=ADDRESS)
    found = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", mail.outbox[-1].body, re.MULTILINE)
    assert found is not None, mail.outbox[-1].body
    post(client, "/accounts/login/code/confirm/", code=found[1])


def social(client: Any) -> None:
    client.get("/accounts/dummy/login/")
    found = client.post("/accounts/dummy/login/")
    page = found["Location"] if found.status_code == 302 else "/accounts/dummy/authenticate/"
    client.get(page)
    client.post(page, {"id": "1", "email": ADDRESS, "email_verified": "on", "action": "login"})


PROJECT = Project(
    packages=("django-allauth",),
    inside="/accounts/email/",
    roads={
        "password": password,
        "code by mail": code,
        "social": social,
        "admin login": admin_login,
    },
    prepare=prepare,
    samples={"object_id": "1", "content_type_id": "4"},
    logs=("usersessions_usersession",),
    stories=STORIES,
    unstable=(
        r"state=\w{16}",
        r"data:image/svg\+xml;base64,[\w+/=]+",  # a new secret of a second factor, and its picture
        r"\b[A-Z2-7]{32}\b",
    ),
)
