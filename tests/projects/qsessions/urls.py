from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django_cas_ng import views as cas

from tests.projects.three_lines import gate_urls


@login_required
def account(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"account of {request.user.get_username()}")


def plain(request: HttpRequest) -> HttpResponse:
    """A page that never looks at the session."""
    return HttpResponse("plain")


def add(request: HttpRequest) -> HttpResponse:
    request.session["cart"] = "a book"
    return HttpResponse("added")


def cart(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.session.get("cart", "empty"))


async def acart(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await request.session.aget("cart", "empty"))


urlpatterns = [
    *gate_urls(),
    path("account/", account),
    path("plain/", plain),
    path("cart/", cart),
    path("acart/", acart),
    path("cart/add/", add),
    path("cas/login", cas.LoginView.as_view(), name="cas_ng_login"),
    path("cas/logout", cas.LogoutView.as_view(), name="cas_ng_logout"),
    path("admin/", admin.site.urls),
]
