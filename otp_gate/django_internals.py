"""Every private name of Django, and of what is built on it, that the gate uses, with its reason.

`tests/test_django_internals*.py` have a test for each name, which fails when Django changes it.
`tests/test_layout.py` lets no other module use a private name of a foreign object.
"""

from __future__ import annotations

import logging
from functools import partial
from io import BytesIO
from operator import methodcaller
from typing import Any

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.datastructures import MultiValueDict
from django.utils.functional import LazyObject, SimpleLazyObject

DJANGO_AUTH = "django.contrib.auth.middleware"
"""By name: its import loads models, and `signals` is imported by apps before there are any."""

WRAPPERS = frozenset({"django_otp.middleware", "maykin_2fa.middleware"})
"""Modules whose lazy user is the wrapped one with attributes added, and never another user."""

_peek = object.__getattribute__  # A lazy object answers for itself by no other way.


def is_django_user(user: Any) -> bool:
    """Return True for the lazy `request.user` of AuthenticationMiddleware, also wrapped.

    Compared by the function behind it, because a look at the user would load it.
    """
    if type(user) is not SimpleLazyObject:
        return False
    load = _peek(user, "_setupfunc")
    return load.__module__ == DJANGO_AUTH or (is_wrapper(load) and is_django_user(load.args[-1]))


def is_django_auser(auser: Any) -> bool:
    """Return True for the `request.auser` of AuthenticationMiddleware, also wrapped."""
    if type(auser) is not partial:
        return False
    own = getattr(auser.func, "__module__", None) == DJANGO_AUTH
    return own or (is_wrapper(auser) and is_django_auser(auser.args[-1]))


def is_wrapper(load: Any) -> bool:
    """Return True for a partial of a package that only adds to the user which it is given."""
    return type(load) is partial and load.func.__module__ in WRAPPERS and bool(load.args)


def is_user_unread(request: HttpRequest) -> bool:
    """Return True if both accessors of the user are Django's, and neither has loaded the user.

    Only then the session alone says who the user is.
    """
    there = request.__dict__
    if "_cached_user" in there or "_acached_user" in there:
        return False
    user, auser = there.get("user"), there.get("auser")
    # Asked on every request: what nobody has wrapped is recognised without another call.
    if (
        type(user) is SimpleLazyObject
        and type(auser) is partial
        and getattr(auser.func, "__module__", None) == DJANGO_AUTH
        and _peek(user, "_setupfunc").__module__ == DJANGO_AUTH
    ):
        return True
    return is_django_user(user) and is_django_auser(auser)


def cached_user(request: HttpRequest) -> Any:
    """Return the user that `request.user` has loaded, or None if it has loaded none yet."""
    return request.__dict__.get("_cached_user")


def acached_user(request: HttpRequest) -> Any:
    """Return the user that `request.auser` has loaded, or None if it has loaded none yet."""
    return request.__dict__.get("_acached_user")


def cache_user(request: HttpRequest, user: Any) -> None:
    """Let both accessors of Django answer with this user: each keeps a cache of its own."""
    request._cached_user = request._acached_user = user  # type: ignore[attr-defined]


def forget_users(request: HttpRequest) -> None:
    """Let both accessors ask the session again."""
    request.__dict__.pop("_cached_user", None)
    request.__dict__.pop("_acached_user", None)


def forget_async_user(request: HttpRequest) -> None:
    """Let `request.auser` ask the session again: `alogout` leaves the old user in its cache."""
    request.__dict__.pop("_acached_user", None)


class CsrfCheck(CsrfViewMiddleware):
    """Django's CSRF check; a refusal is the reason, and no page and no line in a log."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def csrf_failure(request: HttpRequest) -> str | None:
    """Make Django's CSRF check of a view that is not exempt; return why it refuses, or None."""
    request.__dict__.pop("csrf_processing_done", None)
    any_view: Any = HttpResponse  # It is not run, only asked whether it is exempt.
    check = CsrfCheck(any_view)
    check.process_request(request)
    refused: Any = check.process_view(request, any_view, (), {})
    return None if refused is None else str(refused)


def set_csrf_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie of a CSRF token that this request was given, as CsrfViewMiddleware does."""
    any_view: Any = HttpResponse
    CsrfCheck(any_view).process_response(request, response)


def scrub_code(request: HttpRequest) -> None:
    """Take the code out of form, files, body and stream of a request; the other fields stay.

    Error reporters and request loggers read them after the view, and know nothing of Django's
    `sensitive_post_parameters`. Nothing is parsed for it: that would run the upload handlers. The
    raw body goes as a whole, because a body that is no form cannot be cleaned with certainty.
    """
    there = request.__dict__
    form = (there.get("_post") or QueryDict()).copy()
    if "code" in form:
        from django.views.debug import SafeExceptionReporterFilter

        form["code"] = SafeExceptionReporterFilter.cleansed_substitute
    form._mutable = False
    files = MultiValueDict(there.get("_files") or {})
    files.pop("code", None)
    if (stream := there.get("_stream")) is not None:
        stream.close()
    there.update(_post=form, _files=files, _body=b"", _stream=BytesIO())


def skip_csrf_middleware(request: HttpRequest, is_skipped: Any) -> None:
    """Let the site's CSRF middleware pass this request on: the view makes the check itself.

    Args:
        is_skipped: its truth is asked at the check, when the view is known.
    """
    request.csrf_processing_done = is_skipped  # type: ignore[attr-defined]


def unwrap_user(user: Any) -> Any:
    """Return the lazy user of Django that `is_django_user` found, without what wraps it.

    A look at the wrapper would run its queries too.
    """
    load = _peek(user, "_setupfunc")
    return unwrap_user(load.args[-1]) if is_wrapper(load) else user


CSRF_COOKIE = ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE")
"""Where `request.META` says that the answer sets the CSRF cookie, and to which secret."""

LOADED_USERS = CACHED_USER, ACACHED_USER = ("_cached_user", "_acached_user")
"""Where a request keeps the user that AuthenticationMiddleware loaded."""


def skip_csrf_check(request: HttpRequest) -> None:
    """Let the CSRF check accept a request that carries no cookie which a browser would send.

    Django has no public way to decide this per request: `csrf_exempt` is decided per view.
    """
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]


def view_options(view: Any) -> dict[str, Any]:
    """Return what was given to `as_view()`, of a class view; the frameworks keep it elsewhere."""
    found = getattr(view, "initkwargs", None) or getattr(view, "view_initkwargs", None)
    return found if isinstance(found, dict) else {}


class RobustSignal(Signal):
    """A signal of which `send_robust` logs every receiver that fails, and never raises.

    Django's own raises AttributeError if the receiver that failed has no `__qualname__`
    (functools.partial, an instance with `__call__`).

    Args:
        quiet: log the class of the exception without its text and traceback, which may quote an
            argument of the signal that must not be in a log.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__()
        self.quiet = quiet

    def _log_robust_failure(self, receiver: Any, err: Exception) -> None:
        name = getattr(receiver, "__qualname__", type(receiver).__qualname__)
        logging.getLogger("django.dispatch").error(
            "Receiver failed: %s (%s)",
            name,
            type(err).__name__,
            exc_info=None if self.quiet else err,
        )


# The session object

SESSION_DATA = "_session_cache"
"""Where a session object keeps its data once they are loaded."""


load_session = methodcaller("_get_session")
"""Load the data of a session, unless they are loaded, and return them.

The public ways in (`get`, `keys`) set `accessed`, and with it `Vary: Cookie`.
"""

aload_session = methodcaller("_aget_session")
"""See `load_session`; to be awaited."""


def set_session_data(session: Any, data: Any) -> None:
    """Give a session object its data, in place of what it would load."""
    session._session_cache = data


def forget_session_data(session: Any) -> None:
    """Let a session object load its data again at the next look."""
    session.__dict__.pop(SESSION_DATA, None)


def set_session_key(session: Any, key: str | None) -> None:
    """Give a session object another key. `session_key` has no setter."""
    session._session_key = key


def delete_cached_session(session: Any, key: str) -> bool:
    """Delete a session of the engine `cache`; return True if it was there.

    `delete` of the engine does not say which of two callers deleted it.
    """
    return bool(session._cache.delete(session.cache_key_prefix + key))


# The body of a request


def put_body(request: HttpRequest, content: bytes) -> None:
    """Let a request have this body, not parsed yet."""
    request._body = content
    request._stream = BytesIO(content)
    request._read_started = False  # type: ignore[attr-defined]


def put_form(
    request: HttpRequest, fields: QueryDict, files: MultiValueDict[str, Any] | None = None
) -> None:
    """Let a request have this form, as after parsing: `body` then raises RawPostDataException."""
    fields._mutable = False
    request._post, request._files = fields, files  # type: ignore[attr-defined]
    request._read_started = True  # type: ignore[attr-defined]


def reread_request(request: HttpRequest, encoding: str | None) -> None:
    """Forget what a request has parsed, and read the content type from its headers again.

    Args:
        encoding: of the form; a view or a middleware may have chosen another than the header.
    """
    for cached in ("GET", "headers", "_post", "_files", "_body"):
        request.__dict__.pop(cached, None)
    request._set_content_type_params(request.META)  # type: ignore[attr-defined]
    # Not by the setter, which forgets `GET` and `_post` and refuses None.
    request._encoding = encoding  # type: ignore[attr-defined]


# The rest


def leave_page_cache(request: HttpRequest) -> None:
    """Let UpdateCacheMiddleware not store the answer to this request."""
    request._cache_update_cache = False  # type: ignore[attr-defined]


def wrapped_request(request: Any) -> Any:
    """Return Django's request inside a request of Django REST framework; None for any other."""
    return getattr(request, "_request", None)


def unwrapped(lazy: Any) -> Any:
    """Return the object behind a `LazyObject` (Channels has the session in one), or the object."""
    return lazy._wrapped if isinstance(lazy, LazyObject) else lazy


def is_translated(pattern: Any) -> bool:
    """Return True for a pattern whose route differs by language, which its `str` does not say."""
    return not isinstance(getattr(pattern, "_route", ""), str)
