"""Middleware of other people, as the gate meets it: each does what its header asks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth import get_user, get_user_model, login, logout
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.multipartparser import MultiPartParserError
from django.urls import set_urlconf
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Answers(MiddlewareMixin):
    """Answers one path by itself, as a health check or a maintenance page does."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        return HttpResponse("answered") if request.path == "/answered/" else None


class ReadOnly(MiddlewareMixin):
    """Lets nobody change anything while it is on, as a maintenance mode does."""

    is_on = False

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if self.is_on and request.method not in ("GET", "HEAD", "OPTIONS"):
            return HttpResponse("read-only", status=503)
        return None


class CountsPosts(MiddlewareMixin):
    """Allows one POST in a window, as a rate limit by method does."""

    posts = 0

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        if request.method == "POST" and request.path.startswith("/kept/"):
            CountsPosts.posts += 1
            if CountsPosts.posts > 1:
                return HttpResponse("too many", status=429)
        return None


class PutsUserAgain(MiddlewareMixin):
    """Sets the same user once more, so that the gate looks a second time."""

    def process_request(self, request: HttpRequest) -> None:
        if request.user.is_authenticated:
            request.user = get_user_model().objects.get(pk=request.user.pk)


class LogsIn(MiddlewareMixin):
    """Logs somebody in on the way, as single sign-on does."""

    def process_request(self, request: HttpRequest) -> None:
        if username := request.headers.get("X-Log-In"):
            login(request, get_user_model().objects.get(username=username), backend=BACKEND)


class LogsInAgain(MiddlewareMixin):
    """Logs in whoever is there once more, as the very same object."""

    def process_request(self, request: HttpRequest) -> None:
        if "X-Again" in request.headers:
            login(request, request.user, backend=BACKEND)


class LogsInAtView(MiddlewareMixin):
    """Logs in by a link, once the view is known, as django-request-token does."""

    def process_view(self, request: HttpRequest, *args: Any) -> None:
        if username := request.headers.get("X-Log-In"):
            login(request, get_user_model().objects.get(username=username), backend=BACKEND)


class LogsOut(MiddlewareMixin):
    """Logs out on the way, as an idle timeout does."""

    def process_request(self, request: HttpRequest) -> None:
        if "X-Log-Out" in request.headers:
            logout(request)


class Lends(MiddlewareMixin):
    """Lends the user another identity, as django-impersonate does."""

    def process_request(self, request: HttpRequest) -> None:
        if username := request.headers.get("X-Lend"):
            request.user = get_user_model().objects.get(username=username)


class LendsAtView(MiddlewareMixin):
    """The same, once the view is known."""

    def process_view(self, request: HttpRequest, *args: Any) -> None:
        if username := request.headers.get("X-Lend"):
            request.user = get_user_model().objects.get(username=username)


class LendsBySession(MiddlewareMixin):
    """The same, from when a view says so until one takes it back."""

    def process_request(self, request: HttpRequest) -> None:
        if username := request.session.get("lent"):
            request.user = get_user_model().objects.get(username=username)


class Tokens(MiddlewareMixin):
    """Knows a user by a token, and loads him only when somebody looks."""

    def process_request(self, request: HttpRequest) -> None:
        users = get_user_model().objects
        if username := request.headers.get("X-Token"):
            request.user = SimpleLazyObject(lambda: users.get(username=username))


class Hosts(MiddlewareMixin):
    """Gives the request another URLconf, as django-hosts and django-tenants do."""

    def process_request(self, request: HttpRequest) -> None:
        if urlconf := request.headers.get("X-Urlconf"):
            request.urlconf = f"tests.urlconfs.{urlconf}"


class HostsByName(MiddlewareMixin):
    """The same by the name of the host, in force for whoever makes an address, too."""

    def process_request(self, request: HttpRequest) -> None:
        if request.get_host().startswith("shop."):
            request.urlconf = "tests.urlconfs.tenant"
            set_urlconf(request.urlconf)


class Looks(MiddlewareMixin):
    """Loads the user before the gate does."""

    def process_request(self, request: HttpRequest) -> Any:
        bool(request.user)


class ByHeader(RemoteUserMiddleware):
    """Django's single sign-on, with a header that both kinds of server know by one name."""

    header = "HTTP_X_REMOTE_USER"

    def get_username(self, request: HttpRequest) -> str:
        return str(request.META[self.header])

    async def __acall__(self, request: HttpRequest) -> Any:
        if self.header in request.META:  # Django 5.2 would look for HTTP_HTTP_X_REMOTE_USER.
            request.META["HTTP_" + self.header] = request.META[self.header]
        return await super().__acall__(request)


class HomeMade(MiddlewareMixin):
    """Authentication as a project wrote it before there was `auser`."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: get_user(request))


class LeadsAside(MiddlewareMixin):
    """Rewrites the path to another view and the session with it, and says so to nobody."""

    def process_request(self, request: HttpRequest) -> None:
        if aside := request.headers.get("X-Aside"):
            request.path_info = aside
            request.session["_otp_gate_verified"] = {}


class NewPasswordFirst(MiddlewareMixin):
    """Sends whoever is logged in to change his password, from everywhere but there."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.user.is_authenticated and request.path != "/plain/":
            return HttpResponseRedirect("/plain/")
        return None


class NewPasswordAtView(MiddlewareMixin):
    """The same, once the view is known."""

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        return NewPasswordFirst.process_request(self, request)  # type: ignore[arg-type]


class NewPasswordButNotHere(MiddlewareMixin):
    """The same for every page, but those of the gate, which its author knows."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith("/otp/"):
            return None
        return NewPasswordFirst.process_request(self, request)  # type: ignore[arg-type]


class ShutsOutAtView(MiddlewareMixin):
    """Refuses whom it has had enough of, once the view is known."""

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        return HttpResponse("shut out", status=429) if "X-Shut-Out" in request.headers else None


class Maintenance(MiddlewareMixin):
    """Answers everything while the site is being worked on."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if getattr(settings, "MAINTENANCE", False):
            return HttpResponse("back soon", status=503)
        return None


class Swaps(MiddlewareMixin):
    """Puts another user behind the promise that `request.user` is."""

    def process_request(self, request: HttpRequest) -> None:
        if username := request.headers.get("X-Swap"):
            request._cached_user = get_user_model().objects.get(username=username)  # type: ignore[attr-defined]


class AsyncOnly:
    """Knows a user by a token, and tells only those who ask by `auser`."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if username := request.headers.get("X-Auser"):

            async def auser() -> Any:
                return await get_user_model().objects.aget(username=username)

            request.auser = auser
        return self.get_response(request)


class MasksUser(MiddlewareMixin):
    """Shows the site as a stranger would see it, and forgets `auser`."""

    def process_request(self, request: HttpRequest) -> None:
        if "X-Stranger" in request.headers:
            request.user = AnonymousUser()
            if request.headers["X-Stranger"] == "looked":
                request._acached_user = get_user(request)  # type: ignore[attr-defined]


class ReadsForms(MiddlewareMixin):
    """Looks into each form, and takes a broken one for an empty one."""

    def process_request(self, request: HttpRequest) -> None:
        with suppress(MultiPartParserError):
            request.POST  # noqa: B018


class WrapsUser(MiddlewareMixin):
    """Puts an object of its own in the place of the user, as tenants and permissions do."""

    def process_request(self, request: HttpRequest) -> None:
        user = request.user
        request.user = SimpleLazyObject(lambda: user)  # type: ignore[assignment]


class AnswersAtView(MiddlewareMixin):
    """Answers in place of the view with what belongs to the user, in `process_view`."""

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        if "X-Answer" in request.headers:
            return HttpResponse(f"answered to {request.user}")
        return None


class SeesUsers(MiddlewareMixin):
    """Acts for every logged-in user: hands out a token cookie, before and after the view."""

    def process_request(self, request: HttpRequest) -> None:
        request.META["seen"] = request.user.is_authenticated

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.META["seen"] or request.user.is_authenticated:
            response.set_cookie("token", "of the user")
        return response


class Refuses(MiddlewareMixin):
    """Answers in place of everything with the status that the header names, or crashes."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        status = request.headers.get("X-Refuse")
        if status == "crash":
            raise RuntimeError("a bug of the site")
        return HttpResponse("refused", status=int(status)) if status else None


class RefusesAtView(MiddlewareMixin):
    """The same in `process_view`."""

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        return Refuses.process_request(self, request)  # type: ignore[arg-type]


class UnreadableSession(SessionBase):
    """A session of a store that answers nobody."""

    def load(self) -> dict[str, Any]:
        raise OSError("down")

    async def aload(self) -> dict[str, Any]:
        raise OSError("down")


class ExchangesSession(MiddlewareMixin):
    """Puts a session of its own into the request, whose store is down."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = UnreadableSession("k" * 32)
