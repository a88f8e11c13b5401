"""A project that gives its patterns no names."""

from django.urls import path

from tests.views import secret

urlpatterns = [path("report/of/<str:name>/", lambda request, name: secret(request))]
