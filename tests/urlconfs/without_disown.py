"""A site that includes its own choice of the gate's pages."""

from __future__ import annotations

from django.urls import include, path

from otp_gate import views
from tests import urls

gate = [
    path("", views.verify, name="verify"),
    path("resend/", views.resend, name="resend"),
    path("cancel/", views.cancel, name="cancel"),
]
site = [item for item in urls.urlpatterns if getattr(item, "app_name", "") != "otp_gate"]
urlpatterns = [path("otp/", include((gate, "otp_gate"))), *site]
