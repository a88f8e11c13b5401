"""A login inside a view: the rest of that view runs with the password alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests import views
from tests.gates import assert_held, put_around_gate, restarted
from tests.helpers import PASSWORD, VERIFY, open_page


@pytest.fixture(autouse=True)
def site(settings: Any, alice: Any, bob: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.late_login"


def batch(client: Any, *calls: str, url: str = "/batch/") -> Any:
    return client.post(url, list(calls), content_type="application/json").json()


def test_the_rest_of_a_batch_sees_nobody(nobody: Any) -> None:
    """By both accessors; a view that asks for the code is refused."""
    said = batch(nobody, "who", "alice", "who", "auser", "transfer", "state")
    assert said == ["nobody", "nobody", "nobody", "refused", "half None alice"]
    assert_held(nobody.get("/secret/"), "/secret/")


def test_the_login_itself_works(nobody: Any) -> None:
    """After the code the session is verified."""
    batch(nobody, "alice")
    assert nobody.post(VERIFY, {"code": open_page(nobody)}).status_code == 302
    assert batch(nobody, "who", "transfer") == ["alice", "transferred by alice"]


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_login_in_a_verified_session_ends_its_mark(passed: Any, name: str) -> None:
    """In the same request already, also for the same user."""
    assert batch(passed, "transfer", name, "who", "transfer", "state") == [
        "transferred by alice",
        "nobody",
        "refused",
        f"half None {name}",
    ]
    assert_held(passed.get("/secret/"), "/secret/")


def test_an_async_view_sees_nobody(nobody: Any) -> None:
    said = nobody.post("/abatch/", '"alice"', content_type="application/json").json()
    assert said == ["nobody", "nobody", "half", "alice"]


def test_an_exempt_view_sees_nobody(nobody: Any) -> None:
    """The view is open to half-authenticated sessions, and not to what they protect."""
    assert batch(nobody, "alice", "who", "state", url="/open-batch/") == [
        "nobody",
        "half None alice",
    ]
    assert batch(nobody, "alice", "who", url="/open-batch/") == ["nobody"]


def test_a_log_out_in_the_same_view(passed: Any) -> None:
    said = batch(passed, "log out", "state", "bob", "state", "log out", "who", "state")
    assert said == ["anonymous None None", "half None bob", "nobody", "anonymous None None"]
    assert passed.get("/status/").json()["status"] == "anonymous"


def greet(client: Any) -> bytes:
    fields = {"username": "alice", "password": PASSWORD}
    return bytes(client.post("/greeting/", fields).content)


@pytest.mark.parametrize(
    ("how", "said"),
    [("auto", b"hello alice"), ("always", b"hello nobody"), ("never", b"hello alice")],
)
def test_a_login_view_reads_its_user(settings: Any, nobody: Any, how: str, said: bytes) -> None:
    """LoginView and its subclasses, unless the project hides the user always."""
    settings.OTP_GATE = {"HIDE_AFTER_LOGIN": how}
    assert greet(nobody) == said
    assert_held(nobody.get("/secret/"), "/secret/")


def test_a_login_view_of_ones_own_is_named(settings: Any, nobody: Any) -> None:
    settings.OTP_GATE = {"LOGIN_VIEWS": ["batch"]}
    assert batch(nobody, "alice", "who", "transfer") == ["alice", "refused"]


def test_a_view_of_many_operations_is_no_login_view(settings: Any, nobody: Any) -> None:
    settings.OTP_GATE = {"LOGIN_VIEWS": ["graphql"]}
    assert batch(nobody, "alice", "who", url="/graphql/") == ["nobody"]


def test_a_view_that_a_package_only_decorates_is_no_login_view(nobody: Any) -> None:
    """django-allauth's `verified_email_required` returns a function of its own module."""
    said = batch(nobody, "alice", "who", "auser", "transfer", url="/decorated-batch/")
    assert said == ["nobody", "nobody", "refused"]


def test_never_hidden_is_still_half(settings: Any, nobody: Any) -> None:
    settings.OTP_GATE = {"HIDE_AFTER_LOGIN": "never"}
    assert batch(nobody, "alice", "who", "transfer") == ["alice", "refused"]


def test_a_user_whom_the_policy_lets_pass_is_not_hidden(settings: Any, nobody: Any) -> None:
    settings.OTP_GATE = {"POLICY": "otp_gate.policy.staff"}
    said = batch(nobody, "alice", "who", "auser", "state")
    assert said == ["alice", "alice", "not_required None alice"]


def test_report_mode_hides_nobody(settings: Any, nobody: Any) -> None:
    settings.OTP_GATE = {"MODE": "report"}
    assert batch(nobody, "alice", "who", "transfer") == ["alice", "transferred by alice"]


def test_an_exempt_view_shows_a_user_whom_the_policy_lets_pass(
    settings: Any, held: Any, bob: Any
) -> None:
    """The user who was hidden is not the one who logs in."""
    bob.is_staff = False
    bob.save()
    settings.OTP_GATE = {"POLICY": "tests.policies.all_but_bob"}
    assert batch(held, "who", "bob", "who", "auser", url="/open-batch/") == ["nobody", "bob", "bob"]


def test_an_answer_at_the_view_after_a_login_on_the_way(settings: Any, nobody: Any) -> None:
    """A `process_view` before the gate answers by itself: no view is reached, the gate decides."""
    put_around_gate(
        settings, before=["tests.middlewares.AnswersAtView"], after=["tests.middlewares.LogsIn"]
    )
    headers = {"x-log-in": "alice", "x-answer": "1"}
    assert_held(restarted(nobody).get("/secret/", headers=headers), "/secret/")
    assert nobody.client.cookies if hasattr(nobody, "client") else nobody.cookies
    assert not views.RAN


# Another user than the one of the session


@pytest.mark.parametrize("page", ["/exchanged/", "/aexchanged/"])
def test_a_proof_counts_for_its_own_user_only(passed: Any, mailoutbox: Any, page: str) -> None:
    """The view acts for Bob, of whom a token is known; Alice has typed in a code, and Bob has not."""
    mailoutbox.clear()
    alone = {"x-user": "alice"}
    assert passed.get(page, headers=alone).content == b"transferred by alice"
    refused = passed.get(page, headers={"x-user": "bob"})
    assert (refused.status_code, refused["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert "no-store" in refused["Cache-Control"]
    told = passed.get(page, headers={"x-user": "bob", "accept": "application/json"})
    assert (told.status_code, told.json()["code"]) == (403, "otp_required")
    # No code of the session's own user is asked for: it would prove nothing.
    assert passed.get("/status/").json()["status"] == "verified"
    assert not mailoutbox


def test_an_async_view_acts_for_the_user_of_auser(passed: Any) -> None:
    headers = {"x-user": "bob", "x-only-auser": "1"}
    assert passed.get("/aexchanged/", headers=headers).status_code == 403


@pytest.mark.parametrize("page", ["/exchanged/", "/aexchanged/"])
def test_report_mode_lets_another_user_pass(settings: Any, passed: Any, page: str) -> None:
    settings.OTP_GATE = {"MODE": "report"}
    assert passed.get(page, headers={"x-user": "bob"}).content == b"transferred by bob"


def test_a_stream_for_another_user_gives_nothing(passed: Any) -> None:
    assert b"".join(passed.get("/streamed/").streaming_content) == b"private"
    headers = {"x-user": "alice"}
    assert b"".join(passed.get("/streamed/", headers=headers).streaming_content) == b"private"
    headers = {"x-user": "bob"}
    assert b"".join(passed.get("/streamed/", headers=headers).streaming_content) == b""


@pytest.mark.parametrize("path", ["/transfer/", "/aexchanged/"])
def test_what_was_asked_a_code_for_is_never_stored(passed: Any, path: str) -> None:
    """The cache of the site would serve it when the code is too old."""
    answer = passed.get(path, headers={"x-user": "alice"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]


@pytest.mark.parametrize("page", ["/secret/", "/asecret/"])
def test_login_in_process_view_behind_the_gate_is_hidden_from_the_view(
    settings: Any, nobody: Any, page: str
) -> None:
    """The gate's own `process_view` ran before: the view runs, and sees AnonymousUser."""
    put_around_gate(settings, after=["tests.middlewares.LogsInAtView"])
    answer = restarted(nobody).get(page, headers={"x-log-in": "alice"})
    assert answer.content == b"secret of nobody"
    views.RAN.clear()
    assert_held(nobody.get(page), page)
