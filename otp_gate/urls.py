"""`path("otp/", include("otp_gate.urls"))`: the gate's own pages."""

from __future__ import annotations

from django.urls import path

from otp_gate import views

app_name = "otp_gate"
urlpatterns = [
    path("", views.verify, name="verify"),
    path("resend/", views.resend, name="resend"),
    path("cancel/", views.cancel, name="cancel"),
    path("disown/", views.disown, name="disown"),
]
