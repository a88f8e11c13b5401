"""Links of django-sesame that lead to what wants a code."""

from __future__ import annotations

from django.urls import include, path
from sesame.decorators import authenticate

from tests.urlconfs import proofs

urlpatterns = [
    path("link/", authenticate(proofs.fresh(proofs.pay))),
    path("login-link/", authenticate(permanent=True)(proofs.fresh(proofs.pay))),
    path("", include(proofs)),
]
