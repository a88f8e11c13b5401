"""`path("otp/", include("otp_gate.urls"))`: the gate's own pages."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from otp_gate.exemptions import OWN


def own_page(name: str) -> Callable[[HttpRequest], HttpResponse]:
    """Return the own page of that name, imported when it is asked for first.

    Most worker processes answer other requests first, and start without what the pages need.

    ATOMIC_REQUESTS does not hold for it. Redis has consumed the code by the time that a receiver of
    the project may break the transaction, which would take the verified session with it.
    """

    @login_not_required
    def page(request: HttpRequest) -> HttpResponse:
        from otp_gate import views

        view: Callable[[HttpRequest], HttpResponse] = getattr(views, name)
        return view(request)

    page.__name__ = page.__qualname__ = name
    setattr(page, OWN, True)
    for alias in connections:
        page = transaction.non_atomic_requests(alias)(page)
    return page


app_name = "otp_gate"
urlpatterns = [
    path("", own_page("verify"), name="verify"),
    path("resend/", own_page("resend"), name="resend"),
    path("cancel/", own_page("cancel"), name="cancel"),
    path("disown/", own_page("disown"), name="disown"),
]
