"""Proof that a URL is closed to whoever has only a password, or a word on what opens it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.views import serve as serve_static
from django.shortcuts import resolve_url
from django.test import Client
from django.utils.module_loading import import_string

from otp_gate.conf import GateConfig, gate_config
from otp_gate.exemptions import exemption_of, is_exempt, is_own, naming, resolve_in
from otp_gate.signals import request_refused
from otp_gate.testing.people import somebody
from otp_gate.testing.switch import gate_shut

METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
GATE = "otp_gate.middleware.OTPGateMiddleware"

__unittest = True  # So that a report of unittest ends at the line of the test.


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who has given a password only, and what came of it."""

    method: str
    url: str
    user: Any
    response: Any
    refused: bool
    """The gate said that it turned this request away."""

    @property
    def request(self) -> Any:
        return self.response.wsgi_request

    @property
    def is_gates(self) -> bool:
        """True if nothing but the gate answered."""
        return self.refused and is_refusal(self.response)


def assertGated(
    url: Any, *, user: Any = None, methods: Sequence[str] = METHODS, **options: Any
) -> None:
    """Prove that nothing but the gate answers a half-authenticated session at this URL.

    Each method is tried in a session of its own, with the gate as in production (also inside
    `gate_open`). Where the URL is not gated, what is behind it really runs.

    Args:
        url: a path, a URL name, or an object with `get_absolute_url`.
        user: who has logged in; by default the first active user of the database, or one who is
            made for it.
        methods: the HTTP methods to try.
        options: for Django's test client: `headers`, `secure`, `SERVER_NAME` ...

    Raises:
        AssertionError: saying for each method what answered, and which line opens the URL.
    """
    __tracebackhide__ = True
    tried = visits(url, user, methods, options)
    opened = [visit for visit in tried if not visit.is_gates]
    if opened:
        answers: dict[str, list[str]] = {}
        for visit in tried:
            answers.setdefault(answered(visit), []).append(visit.method)
        raise AssertionError(
            "\n".join(
                [
                    f"{opened[0].url} is not closed to who has only a password.",
                    *(f"  {', '.join(names)}: {answer}" for answer, names in answers.items()),
                    *(f"{reason}." for reason in dict.fromkeys(map(opener, opened))),
                ]
            )
        ) from next((visit.response.exc_info[1] for visit in opened if raised(visit)), None)


def assertNotGated(
    url: Any, *, user: Any = None, methods: Sequence[str] = ("GET",), **options: Any
) -> None:
    """Prove that a half-authenticated session is not turned away from this URL by the gate.

    GET alone by default, for whatever is tried really runs, and the gate makes no difference
    between the methods. Arguments as in `assertGated`.

    Raises:
        AssertionError: the gate turned it away.
    """
    __tracebackhide__ = True
    refused = [visit for visit in visits(url, user, methods, options) if visit.refused]
    if refused:
        request = refused[0].request
        match = request.resolver_match or resolve_in(request)
        entry = 'its path into OTP_GATE["EXEMPT_PATHS"]'
        if match is not None and match.url_name:
            entry = f'"{match.view_name}" into OTP_GATE["EXEMPT_VIEWS"]'
        raise AssertionError(
            f"{refused[0].url} is gated: {', '.join(visit.method for visit in refused)} was turned "
            f"away with {refused[0].response.status_code}. To open it, put @otp_exempt on its "
            f"view, or {entry}."
        )


def visits(url: Any, user: Any, methods: Sequence[str], options: dict[str, Any]) -> list[Visit]:
    """Try each method as somebody who has given a password only."""
    path = resolve_url(url)
    user = user or somebody()
    options.setdefault("secure", bool(settings.SECURE_SSL_REDIRECT))
    with gate_shut():
        return [visit(method, path, user, options) for method in methods]


def visit(method: str, path: str, user: Any, options: dict[str, Any]) -> Visit:
    # A view that fails has run: what it raises is told, and does not hide that.
    client = Client(raise_request_exception=False)
    client.force_login(user)
    with refusals() as refused:
        response = client.generic(method, path, **options)
    turned_away = any(request is response.wsgi_request for request in refused)
    return Visit(method=method, url=path, user=user, response=response, refused=turned_away)


@contextmanager
def refusals() -> Iterator[list[Any]]:
    """Collect the requests that the gate turns away."""
    requests: list[Any] = []

    def note(*, request: Any, enforced: bool, **_: object) -> None:
        if enforced:
            requests.append(request)

    request_refused.connect(note)
    try:
        yield requests
    finally:
        request_refused.disconnect(note)


def is_refusal(response: Any) -> bool:
    """True if an answer has the shape of the gate's: to its page, or 403; never stored."""
    # Not above: it wants the models, and a conftest may be imported before there are any.
    from otp_gate.addresses import page_url

    target = urlsplit(response.headers.get("Location", "")).path
    to_page = response.status_code == 302 and target == page_url("verify")
    never_stored = "no-store" in response.headers.get("Cache-Control", "")
    return never_stored and (to_page or response.status_code == 403)


# What a failure says


def answered(visit: Visit) -> str:
    """Say what answered."""
    if visit.is_gates:
        return "turned away, as it should be"
    response = visit.response
    text = f"{response.status_code} {response.reason_phrase}"
    if "Location" in response.headers:
        text += f" to {response.headers['Location']}"
    if raised(visit):
        text += f" ({response.exc_info[0].__name__} in the view)"
    if visit.refused:
        return f"{text}, made of the gate's answer"
    match = visit.request.resolver_match
    return f"{text}, by " + (named(match.func) if match else "something that is no view")


def raised(visit: Visit) -> bool:
    return bool(getattr(visit.response, "exc_info", None))


def opener(visit: Visit) -> str:
    """Say which line opens the URL, or what else is the reason."""
    config, request = gate_config(), visit.request
    above, is_there = middleware_above()
    if visit.refused:
        return f"The gate turned it away, but one of {above} made another answer of that"
    state = getattr(request, "otp_gate", None)
    if state is None and is_there:
        return f"It was answered before the gate was asked, by one of {above}"
    if state is None:
        return f"'{GATE}' is not in MIDDLEWARE"
    if state.status == "not_required":
        return (
            f"OTP_GATE['POLICY'] ({dotted(config.policy)}) asks no code of {visit.user}: "
            "give user= somebody whom it asks"
        )
    if found := exemption(request, config):
        return f"It is open by {found}"
    if config.mode == "report":
        return 'OTP_GATE["MODE"] is "report", which turns nobody away'
    return f'The gate took the session for "{state.status}" when it was asked the last time'


def exemption(request: Any, config: GateConfig) -> str:
    """Name what exempts this request, with the place to change; "" if nothing does."""
    match = request.resolver_match
    if match is not None:
        view = named(match.func)
        if is_own(match.func):
            return f"being a page of the gate itself ({view})"
        if match.func is serve_static:
            return "being Django's own view of static files in development"
        if mark := exemption_of(match.func):
            decorator = "@otp_exempt" + ("(reveal_user=True)" if mark == "reveal" else "")
            return f"{decorator} on {view}"
        if name := naming(match, config.exempt_views):
            return f'"{name}" in OTP_GATE["EXEMPT_VIEWS"]'
    for prefix in config.exempt_paths:
        if is_exempt(request, None, replace(config, exempt_views=(), exempt_paths=(prefix,))):
            return f'"{prefix}" in OTP_GATE["EXEMPT_PATHS"]'
    return ""


def middleware_above() -> tuple[str, bool]:
    """Return what stands above the gate in MIDDLEWARE, and whether the gate stands there."""
    above: list[str] = []
    gate = import_string(GATE)
    for path in settings.MIDDLEWARE:
        item = import_string(path)
        if isinstance(item, type) and issubclass(item, gate):
            return ", ".join(above), True
        above.append(path.rpartition(".")[2])
    return ", ".join(above), False


def named(view: Any) -> str:
    """Return the dotted name of a view, with the file and line where it is written."""
    item = getattr(view, "view_class", None) or inspect.unwrap(view)
    try:
        file, line = Path(inspect.getfile(item)), inspect.getsourcelines(item)[1]
    except (OSError, TypeError):  # A partial, an instance, a module without a source.
        return dotted(item)
    here = Path.cwd()
    return f"{dotted(item)} ({file.relative_to(here) if here in file.parents else file}:{line})"


def dotted(item: Any) -> str:
    kind = item if hasattr(item, "__qualname__") else type(item)
    return f"{kind.__module__}.{kind.__qualname__}"
