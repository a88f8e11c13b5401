"""Views behind a token that change where codes go, in the ways of projects; and harmless ones."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework import routers, serializers, viewsets
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.decorators import action, api_view, authentication_classes
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.urlconfs.bypasses import PersonSerializer

User = get_user_model()


class NameSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("username",)


class LoginNameSerializer(serializers.ModelSerializer):
    """As djoser's: the field by which users log in, under another name."""

    class Meta:
        model = User
        fields = ("email",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_email"] = self.fields.pop("email")


class NewAddressSerializer(serializers.Serializer):  # type: ignore[type-arg]
    new = serializers.EmailField()

    def save(self, **kwargs: Any) -> None:
        user = self.context["request"].user
        user.email = self.validated_data["new"]
        user.save()


class Users(viewsets.GenericViewSet):  # type: ignore[type-arg]
    """As djoser's: a serializer for each action."""

    authentication_classes = (TokenAuthentication,)
    queryset = User.objects.all()
    serializer_class: Any = NameSerializer

    def get_serializer_class(self) -> Any:
        chosen = {"set_email": LoginNameSerializer, "change": NewAddressSerializer}
        return chosen.get(self.action, self.serializer_class)

    @action(["post"], detail=False)
    def set_email(self, request: Any) -> Response:
        return Response(self.get_serializer(data=request.data).is_valid())

    @action(["post"], detail=False)
    def change(self, request: Any) -> Response:
        return Response(self.get_serializer(data=request.data).save())

    @action(["post"], detail=False, serializer_class=LoginNameSerializer)
    def own_serializer(self, request: Any) -> Response:
        return Response()

    @action(["get"], detail=False, serializer_class=LoginNameSerializer)
    def show(self, request: Any) -> Response:
        return Response()

    @action(["post"], detail=False)
    def set_username(self, request: Any) -> Response:
        setattr(request.user, User.USERNAME_FIELD, request.data["new"])
        return Response()

    @action(["post"], detail=False)
    def set_password(self, request: Any) -> Response:
        # A name of something else, which is that of a neighbour here.
        request.set_username = self.get_serializer().change
        request.user.set_password(request.data["new"])
        return Response(request.user.email)


class Chooses(Users):
    """Which serializer it uses depends on the request."""

    serializer_class = PersonSerializer

    def get_serializer_class(self) -> Any:
        return {"a": PersonSerializer}[self.request.data["kind"]]


class ByHand(APIView):
    authentication_classes: Any = (TokenAuthentication,)


class Assigns(ByHand):
    def post(self, request: Any) -> Response:
        request.user.email = request.data["email"]
        return Response()


class Updates(ByHand):
    @method_decorator(never_cache)
    def patch(self, request: Any) -> Response:
        return Response(User.objects.filter(pk=request.user.pk).update(email=request.data["x"]))


class SetsByName(ByHand):
    def post(self, request: Any) -> Response:
        setattr(request.user, "email", request.data["email"])  # noqa: B010
        return Response()


class SetsByField(ByHand):
    def post(self, request: Any) -> Response:
        setattr(request.user, User.get_email_field_name(), request.data["email"])
        return Response()


class Fails:
    """An attribute of a class that nobody should ask for."""

    def __get__(self, *args: Any) -> Any:
        raise RuntimeError


class ByHelper(ByHand):
    connected = Fails()

    def post(self, request: Any) -> Response:
        return self.store(request) or self.connected

    @staticmethod
    def store(request: Any) -> Response:
        def later() -> None:
            request.user.email = request.data["email"]

        later()
        return Response()


class AsksForAddress(ByHand):
    """Reads the address, and updates something else."""

    def post(self, request: Any) -> Response:
        people = User.objects.filter(email=request.data["email"])
        people.update(first_name=request.user.email)
        return Response()


class Registers(ByHand):
    serializer_class: Any = PersonSerializer

    def post(self, request: Any) -> Response:
        return Response(self.serializer_class(data=request.data).is_valid())


class BySession(Assigns):
    authentication_classes = (SessionAuthentication,)


@api_view(["POST"])
@authentication_classes([TokenAuthentication])
def function(request: Any) -> Response:
    request.user.email = request.data["email"]
    return Response()


MARKED = {
    "assigns": Assigns.as_view(),
    "updates": Updates.as_view(),
    "sets-by-name": SetsByName.as_view(),
    "sets-by-field": SetsByField.as_view(),
    "by-helper": ByHelper.as_view(),
    "function": function,
}
UNMARKED = {"asks": AsksForAddress.as_view(), "registers": Registers.as_view()}

router = routers.SimpleRouter()
router.register("users", Users, basename="users")
router.register("chooses", Chooses, basename="chooses")

urlpatterns = [
    *[path(f"{name}/", view, name=name) for name, view in {**MARKED, **UNMARKED}.items()],
    path("by-session/", BySession.as_view(), name="by-session"),
    path("", include(router.urls)),
    path("otp/", include("otp_gate.urls")),
]
