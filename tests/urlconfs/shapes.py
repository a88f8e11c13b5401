"""Patterns of every shape: languages, regular expressions, converters, translated routes."""

from __future__ import annotations

from typing import Any

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.views import LoginView
from django.contrib.staticfiles.views import serve
from django.urls import include, path, re_path, register_converter
from django.urls.converters import StringConverter
from django.utils.translation import gettext_lazy

from tests import views


class Anything(StringConverter):
    """A converter of the project, which may hold a slash."""

    regex = ".+"


register_converter(Anything, "anything")

urlpatterns: Any = [
    path("", views.home, name="home"),
    path("login/", LoginView.as_view(), name="login"),
    path("static/<path:path>", serve),
    path("public/", views.secret, name="public"),
    path("public", views.secret, name="public-without-slash"),
    path("publicity/", views.secret, name="publicity"),
    path("public/<int:pk>/", views.secret, name="public-number"),
    path("<slug:name>/", views.secret, name="slug"),
    path("<int:pk>/", views.secret, name="number"),
    path("p<str:rest>/x/", views.secret, name="letter"),
    path("<name>/<path:rest>", views.secret, name="deep"),
    path("<anything:rest>/end/", views.secret, name="anything"),
    path(gettext_lazy("translated/"), views.secret, name="translated"),
    re_path(r"^regex/(?P<year>[0-9]{4})/$", views.secret, name="regex"),
    path("public/", include([re_path(r"^(\d+)/$", views.secret, name="public-regex")])),
    path("<int:pk>/", include([re_path(r"^x/$", views.secret, name="number-regex")])),
    path("pub", include([re_path(r"^lic/$", views.secret, name="split-regex")])),
    re_path(r"free/$", views.secret, name="free-regex"),
    re_path(r"^a/$|^b/$", views.secret, name="either-regex"),
    re_path(r"^optional/?$", views.secret, name="optional-regex"),
    path("other/", include([re_path(r"^(\d+)/$", views.secret, name="other-regex")])),
    path("named/", include(("tests.named_urls", "named"), namespace="inner")),
    path("otp/", include("otp_gate.urls")),
    *i18n_patterns(path("welcome/", views.secret, name="welcome")),
]
