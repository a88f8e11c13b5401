"""Views that a credential opens for which no code was typed in: why `urls` calls them *bypasses*.

A session waits for its code. A token, a password with each request, or a link that names a user
inside the view does not. Packages are known by the dotted names of their classes and functions, so
that none needs to be installed. A view that may be open is listed.
"""

from __future__ import annotations

from typing import Any

from otp_gate.django_internals import view_options
from otp_gate.inventory import frameworks
from otp_gate.inventory.addresses import changes_address
from otp_gate.inventory.layers import ancestor, code_of, handlers, layers, parts

# By name and over all ancestors.
TOKEN_VIEWS = frozenset(
    {
        "dj_rest_auth.views.LoginView",
        "djoser.views.TokenCreateView",
        "drfpasswordless.views.ObtainAuthTokenFromCallbackToken",
        "durin.views.LoginView",
        "knox.views.LoginView",
        "oauth2_provider.views.base.TokenView",
        "rest_framework.authtoken.views.ObtainAuthToken",
        "rest_framework_jwt.views.ObtainJSONWebToken",
        "rest_framework_simplejwt.views.TokenObtainPairView",
        "rest_framework_simplejwt.views.TokenObtainSlidingView",
    }
)
TOKEN_SERIALIZERS = frozenset({"rest_framework_simplejwt.serializers.TokenObtainSerializer"})

TICKET_VIEWS = frozenset({"cas_server.views.LoginView", "mama_cas.views.LoginView"})
"""Log-in views of a single sign-on server whose answer holds a ticket for another site."""

TOKEN_MIXINS = frozenset({"oauth2_provider.views.mixins.ProtectedResourceMixin"})
"""Views that take a token, and are none of Django REST framework's."""

LINK_DECORATORS = frozenset({"request_token.decorators", "sesame.decorators"})
"""Modules whose decorators put the user into the request whom a token in the address names."""

API_VIEW = frozenset({"rest_framework.views.APIView"})
BASIC_AUTHENTICATION = frozenset({"rest_framework.authentication.BasicAuthentication"})
SESSION_AUTHENTICATION = frozenset({"rest_framework.authentication.SessionAuthentication"})
VERIFIED_PERMISSION = frozenset({"otp_gate.drf.IsVerified"})

WHERE_CODES_GO = "changes where codes go"
"""Ends the reason of a view by which a token gets the codes too."""


def bypass(view: Any) -> str:
    """Return how a view is reached with no session that the gate could hold; "" if in no way."""
    if any(asks_for_code(*described(layer)) for layer in layers(view)):
        return ""
    return link(view) or frameworks.bypass(view) or class_view(view)


def described(layer: Any) -> tuple[Any, dict[str, Any]]:
    """Return the class that a view was made of, and what `as_view()` was given."""
    made_of = getattr(layer, "cls", None) or getattr(layer, "view_class", None)
    return made_of, view_options(layer)


def class_view(view: Any) -> str:
    """See `bypass`; of views that are made of a class."""
    for layer in layers(view):
        made_of, given = described(layer)
        if made_of is None:
            continue
        serializer = given.get("serializer_class", getattr(made_of, "serializer_class", None))
        if found := token_for_password(made_of, serializer):
            return f"gives a token for a password ({found})"
        if found := ancestor(made_of, TICKET_VIEWS):
            return f"gives a ticket in the answer to the login ({found})"
        if found := ancestor(made_of, TOKEN_MIXINS) or authentication(made_of, given):
            reason = found if " " in found else f"takes a token ({found})"
            also = changes_address(layer, made_of, given)
            return f"{reason}, {WHERE_CODES_GO}" if also else reason
    return ""


def authentication(made_of: Any, given: dict[str, Any]) -> str:
    """Say how a view of Django REST framework takes a user who is not the session's."""
    ways = given.get("authentication_classes", getattr(made_of, "authentication_classes", ()))
    if ancestor(made_of, API_VIEW) and (
        not isinstance(ways, list | tuple)
        or made_of.get_authenticators.__module__ != "rest_framework.views"
    ):
        return f"chooses its authentication by itself ({made_of.__qualname__})"
    for way in ways if isinstance(ways, list | tuple) else ():
        if found := ancestor(way, BASIC_AUTHENTICATION):
            return f"takes a password with each request ({found})"
        if not is_of_session(way):
            return f"takes a token ({getattr(way, '__qualname__', way)})"
    return ""


def is_of_session(way: Any) -> bool:
    """Return True for an authentication that takes the user of the session, and no other."""
    own = getattr(getattr(way, "authenticate", None), "__module__", "rest_framework.authentication")
    return bool(ancestor(way, SESSION_AUTHENTICATION)) and own == "rest_framework.authentication"


def link(view: Any) -> str:
    """Say which decorator takes the user from the address of the request.

    `otp_required` further in asks for the mark of that very user, and closes the view again.
    """
    outer = named_by_link("", layers(view))
    for handler in handlers(view):
        if found := named_by_link(outer, layers(handler)):
            return found
    return "" if any(True for _ in handlers(view)) else outer


def named_by_link(found: str, chain: Any) -> str:
    for layer in chain:
        for part in parts(layer):
            module, name = code_of(part)
            if module == "otp_gate.decorators" and name.startswith("otp_required."):
                found = ""
            elif module in LINK_DECORATORS and not found:
                found = f"takes the user from a link ({module.split('.')[0]})"
    return found


def token_for_password(view_class: Any, serializer_class: Any) -> str:
    """Return by which class a view hands out a token for a name and a password; "" if by none."""
    return ancestor(view_class, TOKEN_VIEWS) or ancestor(serializer_class, TOKEN_SERIALIZERS)


def asks_for_code(made_of: Any, given: Any) -> bool:
    """True for a view of Django REST framework that only the verified get something from."""
    # Who chooses permissions by himself may choose others.
    chosen = getattr(made_of, "get_permissions", None)
    if getattr(chosen, "__module__", None) != "rest_framework.views":
        return False
    needed = given.get("permission_classes", getattr(made_of, "permission_classes", ()))
    return any(insists(permission) for permission in needed)


def insists(permission: Any) -> bool:
    """True if nobody passes a permission who has not typed in a code: `|` and `~` open it again."""
    operator = getattr(permission, "operator_class", None)
    if getattr(operator, "__qualname__", "") == "AND":
        return insists(permission.op1_class) or insists(permission.op2_class)
    return bool(ancestor(permission, VERIFIED_PERMISSION))
