"""`manage.py otp_gate urls`: what it says of a pattern is what the gate does with it."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from otp_gate import inventory
from otp_gate.conf import gate_config
from tests import views
from tests.commands import Ran, manage
from tests.urlconfs import addresses, bypasses, credentials


def lines(told: Ran) -> dict[str, tuple[str, str, str]]:
    """Return path: (name, verdict, why)."""
    found = {}
    for line in told.out.splitlines():
        path, name, verdict, *why = line.split(maxsplit=3)
        found[path] = (name, verdict, why[0] if why else "")
    return found


def verdicts(**gate: Any) -> dict[str, tuple[str, str]]:
    """Return name: (verdict, why), under these keys of OTP_GATE."""
    from django.test import override_settings

    with override_settings(OTP_GATE=gate):
        return {name: rest for name, *rest in map(tuple, lines(manage("urls")).values())}  # type: ignore[misc]


# Every pattern has its line


def test_each_pattern_has_a_line() -> None:
    """Path, name with its namespaces, verdict and why; in the order of the URLconf."""
    told = manage("urls")
    found = lines(told)
    assert found["/secret/"] == ("secret", "gated", "")
    assert found["/aclass/"] == ("aclass", "gated", "")
    assert found["/open/"] == ("open", "exempt", "@otp_exempt")
    assert found["/aopen/"] == ("aopen", "exempt", "@otp_exempt")
    assert found["/open-class/"] == ("open-class", "exempt", "@otp_exempt")
    assert found["/reveal/"] == ("reveal", "exempt", "@otp_exempt(reveal_user=True)")
    assert found["/named/deep/three/"] == ("named:deep:three", "gated", "")
    assert found["/named/nameless/"] == ("-", "gated", "")
    assert found["/files/<path:rest>"] == ("files", "gated", "")
    assert found["/admin/login/"] == ("admin:login", "gated", "")
    assert found["/otp/cancel/"] == ("otp_gate:cancel", "exempt", "page of the gate")
    assert next(iter(found)) == "/"
    assert told.err == ""


def test_static_files_of_a_development_server_are_open(settings: Any) -> None:
    """By that function, and by nothing else."""
    settings.ROOT_URLCONF = "tests.urlconfs.shapes"
    found = lines(manage("urls"))
    assert found["/static/<path:path>"] == ("-", "exempt", "static files in development")


def test_languages_and_regular_expressions_are_shown_as_they_are(settings: Any) -> None:
    """One line for all languages; a regular expression without its anchor."""
    settings.ROOT_URLCONF = "tests.urlconfs.shapes"
    found = lines(manage("urls"))
    assert found["/<language>/welcome/"][0] == "welcome"
    assert found["/regex/(?P<year>[0-9]{4})/$"][0] == "regex"
    assert found["/named/one/"][0] == "inner:one"
    assert found["/translated/"][0] == "translated"


# It says what the gate does


@pytest.mark.parametrize(
    "gate",
    [
        {},
        {"EXEMPT_VIEWS": ["secret", "named:*"]},
        {"EXEMPT_VIEWS": ["named:deep:*", "class"]},
        {"EXEMPT_PATHS": ["/files/", "/named/one"]},
        {"EXEMPT_PATHS": ["/"], "EXEMPT_VIEWS": ["*", "admin:*"]},
        {"EXEMPT_PATHS": ["named"]},
    ],
    ids=str,
)
def test_a_half_authenticated_session_meets_what_the_list_says(
    half: Client, settings: Any, gate: dict[str, Any]
) -> None:
    """Each page is turned away to the OTP page where it says "gated", and nowhere else."""
    settings.OTP_GATE = gate
    found = lines(manage("urls"))
    tried = [path for path in found if "<" not in path and "(" not in path]
    assert len(tried) > 30
    for path in [*tried, "/files/<path:rest>"]:
        views.RAN.clear()
        answer = half.get(path.replace("<path:rest>", "x"))
        turned_away = answer.status_code == 302 and answer["Location"].startswith("/otp/")
        verdict = found[path][1]
        if path.startswith("/otp/"):
            assert verdict == "exempt"
        else:
            assert (path, turned_away) == (path, verdict == "gated")


@pytest.mark.parametrize(
    ("prefix", "whole", "in_part"),
    [
        (
            "/public",
            {"public", "public-without-slash", "public-number", "public-regex", "split-regex"},
            {"slug", "letter", "deep"},
        ),
        (
            "/public/",
            {"public", "public-number", "public-regex", "split-regex"},
            {"slug", "letter", "deep"},
        ),
        ("/public/7/", set(), {"public-number", "deep", "public-regex", "split-regex"}),
        ("/7/", set(), {"number", "slug", "deep"}),
        ("/named/deep", {"inner:deep:three"}, {"deep"}),
        ("/fr/welcome/", set(), {"welcome", "deep"}),
        ("/regex/", {"regex"}, {"slug", "deep"}),
        ("/regex/2026/", set(), {"regex", "deep"}),
        ("/px/x/", set(), {"letter", "deep"}),
        ("/optional/", set(), {"optional-regex", "slug", "deep"}),
        ("/", set(), set()),
    ],
)
def test_an_exempt_path_is_held_against_each_pattern(
    settings: Any, prefix: str, whole: set[str], in_part: set[str]
) -> None:
    """Where all of a pattern lies below it, or some of it may; in doubt it is listed."""
    settings.ROOT_URLCONF = "tests.urlconfs.shapes"
    found = verdicts(EXEMPT_PATHS=[prefix])
    opened = {name: why for name, (verdict, why) in found.items() if "EXEMPT" in why}
    assert {name for name, why in opened.items() if why == f"EXEMPT_PATHS {prefix}"} == whole
    some = {name for name, why in opened.items() if why == f"EXEMPT_PATHS {prefix} (in part)"}
    # Of these nothing is known, not even where they begin.
    anywhere = {"anything", "translated", "number-regex", "free-regex", "either-regex"}
    assert some == (in_part | anywhere if prefix.strip("/") else set())


def test_a_language_that_stands_in_no_address(settings: Any) -> None:
    """The default language has the plain path, the others have theirs."""
    settings.ROOT_URLCONF = "tests.urlconfs.optional_language"
    assert verdicts(EXEMPT_PATHS=["/welcome/"])["welcome"][0] == "exempt"
    assert "(in part)" in verdicts(EXEMPT_PATHS=["/welcome/"])["welcome"][1]
    assert "(in part)" in verdicts(EXEMPT_PATHS=["/de/"])["welcome"][1]
    assert verdicts(EXEMPT_PATHS=["/come/"])["welcome"] == ["gated", ""]


# What passes the gate by


def test_what_gives_a_token_for_a_password_is_named(settings: Any) -> None:
    """Over all ancestors and through decorators; a login view, or a refresh, is none of these."""
    settings.ROOT_URLCONF = "tests.urlconfs.credentials"
    found = {name: rest for name, *rest in lines(manage("urls")).values()}
    for name in credentials.BYPASSING:
        assert found[name][0] == "bypasses", name
        assert found[name][1].startswith(("gives a token", "takes a password")), name
    for name in credentials.HARMLESS:
        assert found[name] == ["gated", ""], name
    assert found["token-of-our-own"][1] == "gives a token for a password (ObtainAuthToken)"
    assert found["basic"][1] == "takes a password with each request (BasicAuthentication)"
    assert found["token-exempt"][1].endswith("(ObtainAuthToken), @otp_exempt")


@pytest.fixture
def found(settings: Any) -> dict[str, list[str]]:
    settings.ROOT_URLCONF = "tests.urlconfs.bypasses"
    return {name: rest for name, *rest in lines(manage("urls")).values()}


@pytest.mark.parametrize("name", bypasses.BYPASSING)
def test_a_view_that_something_else_than_the_session_opens_is_named(found: Any, name: str) -> None:
    """A token, a password, a link, a ticket: none of them waits for a code."""
    verdict, why = found[name]
    assert verdict == "bypasses"
    assert bypasses.BYPASSING[name][1] in why


@pytest.mark.parametrize("name", bypasses.GATED)
def test_a_view_that_only_a_verified_session_opens_is_gated(found: Any, name: str) -> None:
    """Its neighbours: the session alone, or a code asked for where the user is known."""
    assert found[name] == ["gated", ""]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bearer", "takes a token (Bearer)"),
        ("basic", "takes a password with each request (Basic)"),
        ("key", "takes a token (Key)"),
        ("function", "takes a token (<lambda>)"),
        ("own-session", "takes a token (OwnSession)"),
        ("one-of-two", "takes a token (Key)"),
        ("two-methods", "takes a token (Bearer)"),
    ],
)
def test_an_operation_of_ninja_is_named_by_its_authentication(
    found: Any, name: str, why: str
) -> None:
    """Each of several is a way in, and so is each method."""
    assert found[f"api:ninja-{name}"] == ["bypasses", why]


@pytest.mark.parametrize("name", ["none", "session", "verified", "verified-or-session"])
def test_an_operation_of_ninja_that_asks_for_the_code_is_gated(found: Any, name: str) -> None:
    assert found[f"api:ninja-{name}"] == ["gated", ""]


def test_a_token_that_changes_where_codes_go_is_marked(found: Any) -> None:
    """Whoever may change the address gets the codes; not where it is read, or by a session."""
    marked = {name for name, (_, why) in found.items() if "changes where codes go" in why}
    assert marked == {"address", "people-detail"}
    assert found["people-list"][0] == found["edits-name"][0] == "bypasses"
    assert found["session-people-detail"] == found["verified-people-detail"] == ["gated", ""]


# Where codes go


@pytest.fixture
def marks(settings: Any) -> dict[str, str]:
    """Return by name what `urls` says of each view that a token opens."""
    settings.ROOT_URLCONF = "tests.urlconfs.addresses"
    return {
        name: why for name, verdict, why in lines(manage("urls")).values() if verdict != "gated"
    }


def test_a_view_that_changes_the_address_is_known_by_what_it_does(marks: Any) -> None:
    """By what its code assigns, however the method is called, and by the serializer of the action."""
    marked = {name for name, why in marks.items() if why.endswith(", changes where codes go")}
    actions = {"users-set-email", "users-change", "users-own-serializer"}
    # Which serializer it will use is not known: the one of the class is taken.
    unknown = {name.replace("users", "chooses") for name in (*actions, "users-set-username")}
    assert marked == {*addresses.MARKED, *actions, *unknown, "chooses-set-password"}


def test_a_neighbour_of_such_a_view_takes_a_token_only(marks: Any) -> None:
    """Another name, a password, a look at the address, a new user: codes go where they went."""
    for name in (*addresses.UNMARKED, "users-show", "users-set-username", "users-set-password"):
        assert marks[name] == "takes a token (TokenAuthentication)"
    assert "by-session" not in marks


def test_a_name_to_log_in_by_that_is_the_address_is_where_codes_go(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`set_username` of djoser, in a project whose users log in by email address."""
    from django.contrib.auth import get_user_model

    settings.ROOT_URLCONF = "tests.urlconfs.addresses"
    monkeypatch.setattr(get_user_model(), "USERNAME_FIELD", "email")
    found = {entry.name: entry.why for entry in entries()}
    assert found["users-set-username"].endswith("changes where codes go")
    assert not found["users-set-password"].endswith("changes where codes go")


@pytest.mark.parametrize(
    "changed",
    [
        {"AUTHENTICATION_BACKENDS": ["graphql_jwt.backends.JSONWebTokenBackend"]},
        {"GRAPHENE": {"MIDDLEWARE": ["graphql_jwt.middleware.JSONWebTokenMiddleware"]}},
        {"MIDDLEWARE": ["gqlauth.core.middlewares.django_jwt_middleware"]},
    ],
)
def test_tokens_that_the_settings_let_into_graphql_are_named(changed: dict[str, Any]) -> None:
    """What happens in the resolvers is not in the URLconf."""
    with override_settings(ROOT_URLCONF="tests.urlconfs.bypasses", **changed):
        [views] = [entry for entry in entries() if entry.name == "graphql"]
    assert views.status == "bypasses"
    assert "takes a token in its resolvers" in views.why


def test_the_schema_of_graphene_may_stand_in_its_settings(monkeypatch: Any, settings: Any) -> None:
    """As its documentation says, where the view is given none."""
    settings.ROOT_URLCONF = "tests.urlconfs.bypasses"
    module = types.ModuleType("graphene_django.settings")
    module.graphene_settings = types.SimpleNamespace(SCHEMA=bypasses.token_schema)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "graphene_django.settings", module)
    [view] = [entry for entry in entries() if entry.name == "graphene-settings"]
    assert view.why == "gives a token for a password (tokenAuth)"


def entries() -> list[inventory.Entry]:
    return inventory.entries(gate_config())


def test_a_gate_that_holds_not_everybody_says_so(settings: Any) -> None:
    """The list is of who is held; whom the policy or the mode lets pass, it says beside it."""
    settings.OTP_GATE = {"MODE": "report", "POLICY": "otp_gate.policy.staff"}
    told = manage("urls")
    assert "lets everybody through" in told.err
    assert "POLICY decides" in told.err


def test_a_setting_that_is_wrong_is_told(settings: Any) -> None:
    """In the words of the check, and without a traceback."""
    settings.OTP_GATE = {"EXEMPT_VIEW": []}
    assert "did you mean 'EXEMPT_VIEWS'?" in manage("urls").failed


# For CI


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    return tmp_path / "allowed.txt"


def test_what_is_open_and_not_allowed_fails(allowed: Path) -> None:
    """Each such pattern by path and reason; the gate's own pages need no permission."""
    allowed.write_text("/open/\n")
    told = manage("urls", "--fail-on-exempt", str(allowed))
    assert told.status == 1
    assert "/aopen/  exempt: @otp_exempt" in told.failed
    assert "/open/  " not in told.failed
    assert "/otp/" not in told.failed
    assert "/secret/" not in told.failed


def test_what_is_allowed_passes(allowed: Path) -> None:
    """By path or by name, with comments and blank lines."""
    allowed.write_text(
        "# reviewed\n\n/open/   # says nothing\naopen\nopen-class\n /reveal/ \n/status/\nastatus\nmagic\n",
        encoding="utf-8-sig",
    )
    told = manage("urls", "--fail-on-exempt", str(allowed))
    assert (told.failed, told.err) == ("", "")
    assert lines(told)["/secret/"][1] == "gated"


def test_what_is_allowed_for_nothing_is_told(allowed: Path) -> None:
    """A line that names nothing today would open whatever is called so tomorrow."""
    allowed.write_text(
        "/open/\naopen\nopen-class\nreveal\nstatus\nastatus\nmagic\n/gone/\nsecret\n"
    )
    told = manage("urls", "--fail-on-exempt", str(allowed))
    assert told.failed == ""
    assert "/gone/ is no URL pattern (any more)." in told.err
    assert "secret is gated, and need not be allowed." in told.err


def test_what_bypasses_must_be_allowed_too(settings: Any, allowed: Path) -> None:
    """A token for a password is as open as an exempt page."""
    settings.ROOT_URLCONF = "tests.urlconfs.credentials"
    allowed.write_text("\n".join(set(credentials.BYPASSING) - {"knox"}))
    told = manage("urls", "--fail-on-exempt", str(allowed))
    assert told.failed.splitlines()[1:] == [
        "  /knox/  bypasses: gives a token for a password (LoginView)"
    ]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_a_file_that_cannot_be_read_fails(allowed: Path, content: bytes | None) -> None:
    """Missing, or no text: never taken for a list that allows all, or nothing."""
    if content is not None:
        allowed.write_bytes(content)
    assert "cannot be read" in manage("urls", "--fail-on-exempt", str(allowed)).failed
