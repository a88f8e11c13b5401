"""What the package gives to other people's tests: the switch, and a client that is verified."""

from __future__ import annotations

import asyncio
import unittest
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core import mail
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection
from django.test import AsyncClient, Client, TestCase
from django.test.utils import CaptureQueriesContext

from otp_gate import receivers, session
from otp_gate.policy import everyone, groups
from otp_gate.testing import (
    GateMixin,
    GateTestCase,
    NobodyLoggedIn,
    OpenGateMixin,
    OpenGateTestCase,
    alogin_verified,
    averify,
    gate_open,
    gate_shut,
    login_verified,
    somebody,
    verify,
)
from otp_gate.testing.switch import Turn
from tests import views
from tests.browsers import AsyncBrowser, redis_commands
from tests.clock import Clock
from tests.gates import GATE, assert_held, put_around_gate
from tests.helpers import CANCEL, RESEND, VERIFY, log_in, open_page, pass_gate

REAL = (session.fresh_mark, session.is_one, session.pending_of, session.begin_login)
SECRET = "/secret/"
STEP_UP = ["/step-up/", "/astep-up/", "/step-up-class/", "/any-age/"]


@pytest.fixture(autouse=True)
def all_put_back() -> Iterator[None]:
    """What was exchanged has its own place again."""
    yield
    assert Turn.going_on == []
    assert (
        session.fresh_mark,
        session.is_one,
        session.pending_of,
        session.begin_login,
    ) == REAL
    assert receivers.requires.__module__ == "otp_gate.policy"


def state_of(client: Any) -> Any:
    return client.get("/status/").json()


# The switch


def test_a_login_by_any_road_is_verified_at_once(alice: Any, nobody: Any) -> None:
    """By the login page, by a magic link; and a view that wants a fresh code runs."""
    with gate_open():
        for road in (log_in, lambda client: client.get("/magic/alice/")):
            assert state_of(nobody)["status"] == "anonymous"
            road(nobody)
            assert state_of(nobody)["status"] == "verified"
            assert state_of(nobody)["user"] == "alice"
            assert nobody.get(SECRET).content == b"secret of alice"
            assert [nobody.get(page).status_code for page in STEP_UP] == [200] * 4
            nobody.post("/logout/")
    log_in(nobody)
    views.RAN.clear()
    assert_held(nobody.get(SECRET), SECRET)


@pytest.mark.parametrize("made", [Client, AsyncClient])
def test_force_login_is_verified_at_once(alice: Any, made: Any) -> None:
    """As suites log in which were there before the gate."""
    client = made()
    with gate_open():
        client.force_login(alice)
        browser = AsyncBrowser(client) if made is AsyncClient else client
        assert browser.get(SECRET).content == b"secret of alice"


def test_a_session_from_before_is_verified_too(held: Any, clock: Clock) -> None:
    """However long it has waited, and half-authenticated again when the gate is shut."""
    assert_held(held.get(SECRET), SECRET)
    clock.advance(10_000)
    with gate_open():
        assert state_of(held)["status"] == "verified"
        assert held.get(SECRET).content == b"secret of alice"
        views.RAN.clear()
    clock.advance(-10_000)
    assert_held(held.get(SECRET), SECRET)


def test_it_stays_so(passed: Any, settings: Any, clock: Clock) -> None:
    """Neither VERIFIED_TTL nor the age of a step-up ends it; the factor is what it was."""
    settings.OTP_GATE = {"VERIFIED_TTL": 60}
    clock.advance(100)
    with gate_open():
        assert passed.get(SECRET).status_code == 200
        assert passed.get("/step-up/").status_code == 200
        assert state_of(passed)["factor"] == "email"
    views.RAN.clear()
    assert_held(passed.get(SECRET), SECRET)


def test_when_and_by_what_it_was_verified(alice: Any, client: Client) -> None:
    """This moment, by "testing"."""
    with time_machine.travel("2026-01-02 03:04:05+00:00", tick=False), gate_open():
        log_in(client)
        state = state_of(client)
        assert state["verified_at"].startswith("2026-01-02T03:04:05")
        assert (state["factor"], state["pending_user"]) == ("testing", None)


def test_another_identity_that_is_lent_is_verified(
    settings: Any, alice: Any, bob: Any, nobody: Any
) -> None:
    """The impersonation of a project's own tests goes on working, whichever way a view asks."""
    put_around_gate(settings, before=["tests.middlewares.Lends"])
    with gate_open():
        log_in(nobody)
        for page in (SECRET, "/asecret/"):
            assert nobody.get(page, headers={"x-lend": "bob"}).status_code == 200


def test_a_user_of_a_token_is_verified(settings: Any, alice: Any, nobody: Any) -> None:
    """No session is needed for it."""
    put_around_gate(settings, before=["tests.middlewares.Tokens"])
    with gate_open():
        response = nobody.get(SECRET, headers={"x-token": "alice"})
    assert response.content == b"secret of alice"


def test_nothing_else_changes(alice: Any, nobody: Any) -> None:
    """Strangers are strangers, an unknown URL is unknown, the admin asks for its rights."""
    with gate_open():
        assert nobody.get(SECRET).content == b"secret of nobody"
        assert nobody.get("/step-up/").status_code == 302
        assert nobody.get(VERIFY)["Location"] == "/login/"
        log_in(nobody)
        assert nobody.get("/no-such-page/").status_code == 404
        assert nobody.get("/admin/").status_code == 302
        assert nobody.get(VERIFY)["Location"] == "/"
        assert nobody.post(RESEND).status_code == 302
    assert mail.outbox == []


def test_no_redis_is_asked(half: Client, no_redis: None, caplog: Any) -> None:
    """Not for the log-out of a session whose code is on its way, nor for anything before it."""
    with gate_open(), redis_commands() as seen:
        for page in (SECRET, *STEP_UP, VERIFY, "/open/", "/no-such-page/"):
            half.get(page)
        half.post("/logout/")
        log_in(half)
        half.get("/step-up/")
        half.post(CANCEL)
        log_in(half)
        half.post("/logout/")
    assert seen == []
    assert not [record for record in caplog.records if record.name == "otp_gate"]


def test_a_step_up_that_was_begun_asks_no_redis(passed: Any, clock: Clock) -> None:
    """Its page has nothing to ask for."""
    clock.advance(400)
    assert passed.get("/step-up/").status_code == 302
    with gate_open(), redis_commands() as seen:
        assert passed.get(VERIFY).status_code == 302
        assert passed.get("/step-up/").status_code == 200
    assert seen == []


@pytest.mark.parametrize("policy", [everyone, groups("editors")])
def test_no_query_is_added(settings: Any, alice: Any, policy: Any) -> None:
    """Login, pages and log-out cost what they cost on a site without a gate; no policy is asked."""
    middleware = settings.MIDDLEWARE
    settings.MIDDLEWARE = [name for name in middleware if name != GATE]
    visit(Client())  # What Django looks up once is known from here on.
    without = visit(Client())
    settings.MIDDLEWARE = middleware
    settings.OTP_GATE = {"POLICY": policy}
    with gate_open():
        assert visit(Client()) == without


def visit(client: Client) -> list[str]:
    """Log in, open two pages, log out; return the beginning of each query."""
    with CaptureQueriesContext(connection) as queries:
        log_in(client)
        assert client.get(SECRET).content == b"secret of alice"
        assert client.get("/").content == b"home of alice"
        client.post("/logout/")
    return [" ".join(query["sql"].split()[:3]).split(' "s1')[0] for query in queries]


def test_nothing_is_written_into_the_session(alice: Any, client: Client) -> None:
    """A suite that looks into its sessions finds what Django puts there."""
    with gate_open():
        for road in (log_in, lambda client: client.force_login(alice)):
            road(client)
            client.get(SECRET)
            assert "otp_gate" not in " ".join(client.session.keys())


def test_a_login_undoes_what_an_earlier_one_proved(verified: Client) -> None:
    """Also while the gate is open: what `verify` did belongs to one login."""
    with gate_open():
        log_in(verified)
    assert_held(verified.get(SECRET), SECRET)


def test_the_gate_can_be_shut_inside(held: Any) -> None:
    """To test the gate itself, in a suite where it is open."""
    with gate_open():
        with gate_shut():
            assert_held(held.get(SECRET), SECRET)
            with gate_open():
                assert held.get(SECRET).status_code == 200
                views.RAN.clear()
            assert_held(held.get(SECRET), SECRET)
        assert held.get(SECRET).status_code == 200


def test_it_is_shut_again_after_an_error(half: Client) -> None:
    """A test that fails opens no door for the next one."""
    with pytest.raises(ZeroDivisionError), gate_open():
        raise ZeroDivisionError
    assert_held(half.get(SECRET), SECRET)


def test_two_tests_on_one_event_loop(half: Client) -> None:
    """One ends while the other has not: the gate is open until both are done."""

    async def story() -> list[int]:
        first, second = asyncio.Event(), asyncio.Event()
        statuses = []

        async def one() -> None:
            with gate_open():
                first.set()
                await second.wait()

        async def other() -> None:
            await first.wait()
            with gate_open():
                second.set()
                await asyncio.sleep(0.01)
                statuses.append((await sync_to_async(half.get)(SECRET)).status_code)

        await asyncio.gather(one(), other())
        statuses.append((await sync_to_async(half.get)(SECRET)).status_code)
        return statuses

    assert async_to_sync(story)() == [200, 302]


def test_it_holds_in_the_threads_of_a_live_server(
    transactional_db: None, live_server: Any, half: Client
) -> None:
    """A browser that is driven against it gets in."""
    cookie = f"sessionid={half.cookies['sessionid'].value}"
    request = urllib.request.Request(live_server.url + SECRET, headers={"Cookie": cookie})
    with gate_open(), urllib.request.urlopen(request, timeout=20) as response:
        assert response.read() == b"secret of alice"
    with urllib.request.urlopen(request, timeout=20) as response:
        assert b"One-time password" in response.read()


# The switch as a decorator


def test_functions(half: Client) -> None:
    """With brackets and without; arguments and answers pass through."""

    @gate_open()
    def one(number: int) -> int:
        return half.get(SECRET).status_code + number

    @gate_open
    def other() -> int:
        """Say."""
        return half.get(SECRET).status_code

    @gate_open
    @gate_shut()
    def shut() -> int:
        return half.get(SECRET).status_code

    assert (one(1), other(), shut(), other.__doc__) == (201, 200, 302, "Say.")
    views.RAN.clear()
    assert_held(half.get(SECRET), SECRET)


def test_async_functions(ahalf: AsyncClient) -> None:
    """The gate is open while they run, and not only while they are made."""

    @gate_open
    async def story() -> int:
        await asyncio.sleep(0)
        return (await ahalf.get(SECRET)).status_code

    assert async_to_sync(story)() == 200
    assert async_to_sync(ahalf.get)(SECRET).status_code == 302


def test_generators_are_refused() -> None:
    """A fixture that yields would find the gate shut, and nobody would know why."""

    def fixture() -> Iterator[None]:
        yield

    async def afixture() -> Any:
        yield

    for generator in (fixture, afixture):
        with pytest.raises(TypeError, match="write `with` inside"):
            gate_open(generator)


def run(case: type[unittest.TestCase]) -> unittest.TestResult:
    """Run the tests of a class as Django's runner does."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun
    assert [text for _, text in result.errors + result.failures] == []
    return result


class Suite(TestCase):
    """The tests of somebody who has not heard of the gate."""

    __test__ = False  # Run by the tests below.
    status = 200

    @classmethod
    def setUpTestData(cls) -> None:
        cls.user = somebody()
        client = Client()
        client.force_login(cls.user)
        cls.first = client.get(SECRET).status_code

    def test_page(self) -> None:
        self.client.force_login(self.user)
        assert self.client.get(SECRET).status_code == self.status
        assert self.first == self.status


def test_test_cases(db: None) -> None:
    """All of a class, its test data too; the class below has a word of its own."""

    @gate_open()
    class Open(Suite):
        pass

    @gate_shut
    class Shut(Open):
        status = 302

    class Neither(Suite):
        status = 302

    for case in (Open, Shut, Open, Neither):
        run(case)


def test_test_cases_with_a_setup_of_their_own(db: None) -> None:
    """It is called once, on the right class, and so is that of a mixin behind it."""
    called = []

    class Behind(TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            called.append(("behind", cls.__name__))
            super().setUpClass()

    @gate_open
    class Open(Suite):
        @classmethod
        def setUpClass(cls) -> None:
            called.append(("open", cls.__name__))
            super().setUpClass()

    @gate_open
    class Plain(Suite):
        pass

    class Both(Open, Behind):
        pass

    class PlainAndBehind(Plain, Behind):
        pass

    run(Both)
    assert called == [("open", "Both"), ("behind", "Both")]
    run(PlainAndBehind)
    assert called[2:] == [("behind", "PlainAndBehind")]


def test_other_classes_are_told_what_to_write() -> None:
    """A decorator that did nothing would be worse."""

    class TestPages:
        pass

    with pytest.raises(TypeError, match=r'usefixtures\("gate_open"\)'):
        gate_open(TestPages)
    with pytest.raises(TypeError, match=r'usefixtures\("gate_shut"\)'):
        gate_shut()(TestPages)


def test_base_classes(db: None) -> None:
    """One for a new suite, one for an old one; and a mixin of each."""

    class Old(OpenGateTestCase):
        def test_page(self) -> None:
            self.client.force_login(somebody())
            self.assertContains(self.client.get(SECRET), "secret of half")
            self.assertGated(SECRET)

    class New(GateTestCase):
        def test_page(self) -> None:
            self.client.force_login(somebody())
            assert self.client.get(SECRET).status_code == 302
            self.verify()
            assert self.client.get(SECRET).status_code == 200
            other = Client()
            other.force_login(somebody())
            self.verify(other)
            assert other.get(SECRET).status_code == 200
            self.assertGated(SECRET)
            self.assertNotGated("/open/")
            with pytest.raises(self.failureException, match="is gated"):
                self.assertNotGated(SECRET)

        def test_login(self) -> None:
            self.login_verified(somebody())
            assert self.client.get(SECRET).status_code == 200

    class OldOfTheirs(OpenGateMixin, Suite):
        pass

    class NewOfTheirs(GateMixin, Suite):
        status = 302

    @gate_shut()
    class ShutOfTheirs(OpenGateMixin, Suite):
        status = 302

    for case in (Old, New, OldOfTheirs, NewOfTheirs, ShutOfTheirs):
        run(case)


# One client


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file", "signed_cookies"])
def test_a_client_is_verified(alice: Any, use_engine: Any, nobody: Any, engine: str) -> None:
    """With no code, no mail and no Redis of the gate's, whatever keeps the sessions."""
    use_engine(engine)
    log_in(nobody)
    assert_held(nobody.get(SECRET), SECRET)
    with redis_commands() as seen:
        verify(getattr(nobody, "client", nobody))
    assert nobody.get(SECRET).content == b"secret of alice"
    assert nobody.get("/step-up/").status_code == 200
    assert state_of(nobody)["factor"] == "testing"
    assert not {"EVALSHA", "EVAL"} & set(seen)
    assert mail.outbox == []


class SessionStore(DatabaseStore):
    """An engine of a project's own: a new session is kept when the request is over, not before."""

    def create(self) -> None:
        held = self.__dict__.pop("_session_cache", {})
        super().create()
        self._session_cache = held


def test_an_engine_that_saves_in_the_end(settings: Any, alice: Any, client: Client) -> None:
    """There is no end of a request here that would do it."""
    settings.SESSION_ENGINE = "tests.test_testing"
    login_verified(client, alice)
    assert client.get(SECRET).content == b"secret of alice"


def test_it_is_as_after_the_page(half: Client, alice: Any) -> None:
    """The session has a new key, and nothing waits in it."""
    before = half.cookies["sessionid"].value
    verify(half, factor="email")
    by_page = Client()
    pass_gate(by_page)
    assert set(half.session.keys()) == set(by_page.session.keys())
    assert half.session.session_key == half.cookies["sessionid"].value != before
    assert state_of(half)["factor"] == "email"
    assert half.cookies["sessionid"]["httponly"]
    half.cookies["sessionid"] = before
    assert half.get(SECRET).content == b"secret of nobody"


def test_to_verify_again_is_a_step_up(half: Client, clock: Clock) -> None:
    """As if the code had been typed in a second time."""
    verify(half)
    clock.advance(400)
    assert half.get("/step-up/").status_code == 302
    verify(half)
    assert half.get("/step-up/").status_code == 200


def test_nobody_can_be_verified_who_has_not_logged_in(db: None) -> None:
    """And no session is made by trying."""
    client = Client()
    with pytest.raises(NobodyLoggedIn, match=r"client\.force_login"):
        verify(client)
    assert "sessionid" not in client.cookies
    client.session["basket"] = 1
    with pytest.raises(NobodyLoggedIn):
        verify(client)
    client.cookies["sessionid"] = "made up"
    with pytest.raises(NobodyLoggedIn):
        verify(client)


def test_who_has_logged_out_is_not_verified(verified: Client) -> None:
    """Nor whoever logs in after him."""
    verified.post("/logout/")
    with pytest.raises(NobodyLoggedIn):
        verify(verified)


def test_logged_in_and_verified(settings: Any, alice: Any, client: Client) -> None:
    """In one line; by the backend that is named."""
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.RemoteUserBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    login_verified(client, alice)
    assert client.get(SECRET).content == b"secret of alice"
    login_verified(client, alice, "django.contrib.auth.backends.ModelBackend")
    assert client.session["_auth_user_backend"].endswith("ModelBackend")
    assert client.get(SECRET).content == b"secret of alice"


def test_in_async_tests(ahalf: AsyncClient, bob: Any) -> None:
    """The same two, awaited."""

    async def story() -> list[bytes]:
        pages = []
        await averify(ahalf, factor="email")
        pages.append((await ahalf.get("/asecret/")).content)
        await alogin_verified(ahalf, bob)
        pages.append((await ahalf.get("/asecret/")).content)
        return pages

    assert async_to_sync(story)() == [b"secret of alice", b"secret of bob"]


def test_an_async_test_is_told_that_it_is_one(ahalf: AsyncClient) -> None:
    """In Django's own words."""

    async def story() -> None:
        verify(ahalf)

    with pytest.raises(SynchronousOnlyOperation, match="from an async context"):
        async_to_sync(story)()


def test_a_code_that_was_on_its_way_is_of_no_use(half: Client) -> None:
    """The session waits for none any more; a log-out goes as ever."""
    code = open_page(half)
    verify(half)
    assert half.post(VERIFY, {"code": code})["Location"] == "/"
    half.post("/logout/")
    assert half.get(SECRET).content == b"secret of nobody"
