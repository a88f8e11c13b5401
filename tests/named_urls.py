"""Views in a namespace, for EXEMPT_VIEWS."""

from __future__ import annotations

from django.urls import include, path

from tests import views

urlpatterns = [
    path("one/", views.secret, name="one"),
    path("nameless/", views.secret),
    path("two/<int:number>/", views.secret, name="two"),
    path("deep/", include(([path("three/", views.secret, name="three")], "deep"))),
]
