from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import include, path
from knox import views as knox
from rest_framework import serializers, viewsets
from rest_framework.authentication import BasicAuthentication
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.routers import DefaultRouter
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from tests.projects.three_lines import gate_urls


class PersonSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "email")


class GroupSerializer(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ("id", "name")


class People(viewsets.ModelViewSet):
    queryset = User.objects.order_by("pk")
    serializer_class = PersonSerializer


class Groups(viewsets.ModelViewSet):
    queryset = Group.objects.order_by("pk")
    serializer_class = GroupSerializer


class KnoxLogin(knox.LoginView):
    """By a password, as its documentation proposes."""

    authentication_classes = (BasicAuthentication,)


router = DefaultRouter()
router.register("people", People)
router.register("groups", Groups)

urlpatterns = [
    *gate_urls(),
    path("api/", include(router.urls)),
    path("api-auth/", include("rest_framework.urls")),
    path("rest-auth/", include("dj_rest_auth.urls")),
    path("token/", obtain_auth_token),
    path("jwt/", TokenObtainPairView.as_view()),
    path("jwt/refresh/", TokenRefreshView.as_view()),
    path("knox/login/", KnoxLogin.as_view()),
    path("knox/logout/", knox.LogoutView.as_view()),
    path("knox/logoutall/", knox.LogoutAllView.as_view()),
    path("djoser/", include("djoser.urls")),
    path("djoser/", include("djoser.urls.authtoken")),
    path("admin/", admin.site.urls),
]
