from __future__ import annotations

from typing import Any

from tests.projects.contract import ADDRESS, PASSWORD, Project, admin_login, superuser


def prepare() -> None:
    from django.contrib.flatpages.models import FlatPage
    from oscar.core.loading import get_model
    from oscar.test.factories import create_product

    superuser()
    create_product(title="Book", price=10, partner_sku="BOOK-1")
    get_model("address", "Country").objects.create(
        iso_3166_1_a2="GB", name="United Kingdom", is_shipping_country=True
    )
    FlatPage.objects.create(url="/terms/", title="Terms").sites.add(1)


def log_in(client: Any) -> None:
    client.get("/accounts/login/")
    client.post(
        "/accounts/login/",
        {
            "login-username": ADDRESS,
            "login-password": PASSWORD,
            "login_submit": "1",
        },
    )


PROJECT = Project(
    packages=("django-oscar",),
    inside="/accounts/profile/",
    roads={"its login": log_in, "admin login": admin_login},
    prepare=prepare,
    samples={
        "object_id": "1",
        "content_type_id": "4",
        "product_slug": "book",
        "action": "default_for_billing",
    },
)
