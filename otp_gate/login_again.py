"""The ways from the gate's own pages back to the login, and what is said of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext_lazy, pgettext

from otp_gate import session
from otp_gate.addresses import settings_url
from otp_gate.clients import HTML, is_framed, kind_of, wants_json
from otp_gate.responses import problem

TIMED_OUT, DISOWNED, NO_LOGIN = "timed_out", "disowned", "no_login"

REASONS = {
    TIMED_OUT: gettext_lazy("The code was not entered in time. Please sign in again."),
    DISOWNED: gettext_lazy(
        "This sign-in was stopped with the link in the message with the code. Please sign in again."
    ),
    NO_LOGIN: gettext_lazy("No sign-in is waiting for a code here. Please sign in again."),
}
"""Why a user is sent from the page for the code back to the login, as one sentence."""


def leave(request: HttpRequest) -> HttpResponse:
    """Log out, and answer with the way to the login: the user signs out on purpose."""
    end_login(request)
    login_url = settings_url("LOGIN_URL")
    if wants_json(request):
        return JsonResponse({"status": "logged_out", "login_url": login_url})
    return HttpResponseRedirect(login_url)


def back_to_login(request: HttpRequest, target: str, reason: str) -> HttpResponse:
    """Log out where the login cannot be finished; the login then leads to the wanted page.

    Args:
        target: the page that was wanted: what `safe_next` returned.
        reason: a key of `REASONS`.
    """
    end_login(request)
    login_url = login_url_with(request, target)
    if wants_json(request):
        title, detail = pgettext("otp_gate", "Login required"), str(REASONS[reason])
        return problem(403, "login_required", title, detail, reason=reason, login_url=login_url)
    if request.method != "HEAD" and kind_of(request) == HTML and not is_framed(request):
        explain(request, str(REASONS[reason]))
    return HttpResponseRedirect(login_url)


def end_login(request: HttpRequest) -> None:
    """Log out the user that this session still names, if there is one."""
    if session.LOGIN in session.read(request.session):
        logout(request)


def login_url_with(request: HttpRequest, target: str) -> str:
    """Return LOGIN_URL with `next`, as Django's `login_required` makes it.

    A login on another host needs the host of the wanted page, too.
    """
    login_url = settings_url("LOGIN_URL")
    if not target:
        return login_url
    from django.contrib.auth.views import redirect_to_login  # It imports forms and models.

    elsewhere = urlsplit(login_url).netloc not in ("", request.get_host())
    return redirect_to_login(
        request.build_absolute_uri(target) if elsewhere else target, login_url
    ).url


def explain(request: HttpRequest, text: str) -> None:
    """Let the login page say it, by the messages framework where the site uses that.

    Once: tabs that are restored together must not fill the page, or the session, with it.
    """
    if not apps.is_installed("django.contrib.messages"):
        return
    from django.contrib import messages

    storage: Any = messages.get_messages(request)
    told = any(message.message == text for message in storage)
    if storage:
        # Looked at, and not shown: the storage deletes what was shown.
        storage.used = False
    if not told:
        messages.info(request, text, fail_silently=True)
