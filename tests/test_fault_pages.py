"""The page of a fault, in a project whose pages need what has failed: 503, and never a 500."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django import template
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connections

from tests.browsers import ask_for_code
from tests.helpers import JSON, RESEND, VERIFY

LOCMEM = "django.template.loaders.locmem.Loader"
LOADERS = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]


# What context processors and base templates of projects do


def looks_at_the_user(request: Any) -> dict[str, Any]:
    return {"is_staff": request.user.is_staff}


def reads_the_session(request: Any) -> dict[str, Any]:
    return {"visits": request.session.get("visits")}


def runs_a_query(request: Any) -> dict[str, Any]:
    return {"number": get_user_model().objects.count()}


def gives_a_queryset(request: Any) -> dict[str, Any]:
    return {"people": get_user_model().objects.all()}


register = template.Library()


@register.simple_tag
def number_of_people() -> int:
    """Runs a query wherever it stands, whatever the context is."""
    return int(get_user_model().objects.count())


SITES: dict[str, tuple[list[Any], str]] = {
    "processor: user": ([looks_at_the_user], ""),
    "processor: session": ([reads_the_session], ""),
    "processor: query": ([runs_a_query], ""),
    "base: user": ([], "{{ request.user.email }}"),
    "base: query": ([gives_a_queryset], "{% for person in people %}{{ person }}{% endfor %}"),
    "base: tag": ([], "{% load people %}{% number_of_people %}"),
    "all": (
        [looks_at_the_user, reads_the_session, runs_a_query, gives_a_queryset],
        "{{ request.user.email }}{% for person in people %}{{ person }}{% endfor %}",
    ),
}


@pytest.fixture(params=SITES)
def project(request: pytest.FixtureRequest, settings: Any) -> str:
    """The pages of a project: with a base template and context processors of its own."""
    processors, text = SITES[request.param]
    [templates] = settings.TEMPLATES
    paths = [f"{__name__}.{processor.__name__}" for processor in processors]
    base = f"<title>The project</title>{text}{{% block content %}}{{% endblock %}}"
    options = {
        **templates["OPTIONS"],
        "context_processors": [*templates["OPTIONS"]["context_processors"], *paths],
        "libraries": {"people": __name__},
        "loaders": [(LOCMEM, {"otp_gate/base.html": base}), *LOADERS],
    }
    settings.TEMPLATES = [{**templates, "APP_DIRS": False, "OPTIONS": options}]
    return str(request.param)


# What fails


@contextmanager
def sessions_away() -> Any:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(SessionStore, "load", away)
        broken.setattr(SessionStore, "aload", aaway)
        yield


@contextmanager
def database_away() -> Any:
    """Every query fails, those for sessions and users among them."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(type(connections["default"]), "cursor", away)
        yield


def away(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("could not connect to server: s3cret")


async def aaway(*args: Any, **kwargs: Any) -> Any:
    away()


Fault = Callable[[], AbstractContextManager[None]]
FAULTS = pytest.mark.parametrize("fault", [sessions_away, database_away])


def is_unavailable(response: Any) -> bool:
    assert "s3cret" not in response.content.decode()
    return (
        response.status_code == 503
        and response["Retry-After"] == "5"
        and "no-store" in response["Cache-Control"]
        and "ry again in" in response.content.decode()
    )


@FAULTS
def test_verified_user_gets_503(project: str, passed: Any, fault: Fault) -> None:
    """Of every page: who asks cannot be known."""
    with fault():
        for path in ("/secret/", "/plain/", VERIFY):
            assert is_unavailable(passed.get(path)), path
    assert passed.get("/plain/").content == b"plain"


@FAULTS
def test_half_authenticated_user_gets_503(project: str, held: Any, fault: Fault) -> None:
    """At the gate's pages too; the code is not used up, and opens the session afterwards."""
    code = ask_for_code(held)
    with fault():
        for response in (
            held.get("/secret/"),
            held.get(VERIFY),
            held.post(VERIFY, {"code": code}),
            held.post(RESEND),
        ):
            assert is_unavailable(response)
    assert held.get("/secret/").status_code == 302
    assert held.post(VERIFY, {"code": code}).status_code == 302
    assert held.get("/secret/").status_code == 200


def test_users_away_and_sessions_in_redis_get_503(
    project: str, settings: Any, alice: Any, held: Any
) -> None:
    """The session is known, and its user cannot be loaded: at the OTP page and by a policy."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    held.post("/login/", {"username": "alice", "password": "correct horse"})
    with database_away():
        assert is_unavailable(held.get(VERIFY))
        assert is_unavailable(held.post(RESEND))
        settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
        assert is_unavailable(held.get("/secret/"))


@FAULTS
def test_program_gets_a_problem_document(passed: Any, fault: Fault) -> None:
    with fault():
        response = passed.get("/secret/", headers=JSON)
    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"


def test_page_keeps_the_dress_of_the_project(project: str, passed: Any) -> None:
    """It extends the project's base template; plain text is what is left if that cannot be read."""
    with database_away():
        page = passed.get("/secret/").content.decode()
    assert ("<title>The project</title>" in page) == (project != "base: tag")
