"""`manage.py otp_gate doctor`: what is wrong, and the line to change; never a password."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis.exceptions as faults
import time_machine
from django.core import mail

from otp_gate import redis_server, store
from tests import doubles, servers
from tests.browsers import redis_at
from tests.commands import Ran, manage
from tests.faults.proxy import Proxy
from tests.gates import put_around_gate
from tests.topologies import caches_of_cluster

SECRET = "geheim"
REDIS = "django_redis.cache.RedisCache"


@pytest.fixture(autouse=True)
def tables(own_site: None) -> None:
    """The sessions are asked as well, and the Site row."""


def found(told: Ran) -> dict[str, str]:
    """Return what was found, in words: its verdict."""
    lines = [line for line in told.out.splitlines() if not line.startswith(" ")]
    return {text: verdict for verdict, text in (line.split(maxsplit=1) for line in lines)}


def wrong(told: Ran) -> list[str]:
    """Return what is wrong, with the line to change behind it."""
    assert told.status == (1 if told.failed else 0)
    blocks = told.out.replace("\n       -> ", " -> ").splitlines()
    return [block.split(maxsplit=1)[1] for block in blocks if block.startswith("wrong")]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let Redis say this of itself."""

    def say(**answers: Any) -> None:
        names = {"INFO": "info", "CONFIG GET": "config"}
        monkeypatch.setattr(store, "ask", lambda name, *args: answers.get(names[name]))

    return say


# All is well


def test_a_right_project_is_well() -> None:
    """Everything that was looked at is named, with the time that Redis took."""
    told = manage("doctor")
    assert (told.failed, wrong(told)) == ("", [])
    for text in (
        "OTP_GATE is valid",
        "MIDDLEWARE is in order",
        "The URLs of the gate are there",
        "Redis runs the gate's scripts (EVALSHA), and keeps what they write",
        "The clocks of Redis and of this process agree",
        "The sessions can be read (django.contrib.sessions.backends.db)",
    ):
        assert found(told)[text] == "ok"
    assert any(text.startswith("Redis answers at ") and " ms" in text for text in found(told))


def test_it_leaves_nothing_in_redis() -> None:
    """What it wrote to look whether writing works is gone after a second."""
    manage("doctor")
    connection = store.client("default")
    assert all(0 < connection.pttl(key) <= 1000 for key in connection.keys("*"))


def test_a_redis_in_this_process_is_told(settings: Any) -> None:
    """What is said of it is true of no other process."""
    here = not settings.REDIS_URL
    assert any("is a part of this process" in text for text in found(manage("doctor"))) == here


# The settings


def test_each_failing_check_is_told_with_its_line(settings: Any) -> None:
    """An error or a warning: both are wrong here, unless the project has silenced it."""
    settings.MIDDLEWARE = [item for item in settings.MIDDLEWARE if "otp_gate" not in item]
    settings.OTP_GATE = {"MODE": "report"}
    first, second = wrong(manage("doctor"))
    assert "(otp_gate.W001) -> OTP_GATE = {" in first
    assert "The OTP gate is not in MIDDLEWARE. (otp_gate.E002) -> Add " in second
    settings.SILENCED_SYSTEM_CHECKS = ["otp_gate.W001"]
    told = manage("doctor")
    assert len(wrong(told)) == 1
    assert told.failed == "1 thing is wrong."


def test_what_stands_before_the_gate_is_named(settings: Any) -> None:
    """Of the project's own alone: it may be what sends people round in a ring."""
    put_around_gate(
        settings,
        before=["tests.middlewares.NewPasswordFirst", "django.middleware.locale.LocaleMiddleware"],
        after=["tests.middlewares.Looks"],
    )
    told = manage("doctor")
    text = "These see a user who has typed in no code yet: tests.middlewares.NewPasswordFirst"
    assert [verdict for said, verdict in found(told).items() if said.startswith(text)] == ["note"]
    assert "leaves /otp/ and what is below it alone" in told.out
    assert told.failed == ""
    settings.MIDDLEWARE = [settings.MIDDLEWARE[-1]]
    assert "no code yet" not in manage("doctor").out


def test_settings_that_cannot_be_read_do_not_say_which_redis(settings: Any) -> None:
    """Nothing is guessed: what depends on them is not asked."""
    settings.OTP_GATE = {"CACHE": 7}
    told = manage("doctor")
    assert len(wrong(told)) == 1
    assert found(told)["Redis was not asked: OTP_GATE does not say which it is."] == "note"


def test_a_check_that_raises_is_told_by_the_name_of_its_error(settings: Any) -> None:
    """A URLconf with a mistake in it hides nothing else; what it says is not repeated."""
    settings.ROOT_URLCONF = "tests.no_such_urls"
    told = manage("doctor")
    assert wrong(told) == [
        "The URLs of the gate are there: raises ModuleNotFoundError -> manage.py check shows where."
    ]
    assert found(told)["MIDDLEWARE is in order"] == "ok"
    assert told.failed == "1 thing is wrong."


# Redis does not do what it must


def test_no_redis(no_redis: None) -> None:
    """Where it was looked for, and what to do."""
    told = manage("doctor")
    assert wrong(told) == [
        "Redis at 127.0.0.1:1/0 cannot be reached (ConnectionError) -> "
        "Start redis-server, or change LOCATION in CACHES to where it is."
    ]
    assert not any("EVALSHA" in text for text in found(told))


@pytest.mark.parametrize(
    ("location", "where"),
    [
        (f"redis://:{SECRET}@127.0.0.1:1/3", " at 127.0.0.1:1/3"),
        (f"redis://{SECRET}:{SECRET}@127.0.0.1:1", " at 127.0.0.1:1/0"),
        (f"unix://:{SECRET}@/nowhere/redis.sock", " at /nowhere/redis.sock"),
    ],
)
def test_no_password_is_printed(settings: Any, location: str, where: str) -> None:
    """Neither out of the address nor out of an error."""
    settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": location}}
    told = manage("doctor")
    [line] = wrong(told)
    assert line.startswith(f"Redis{where} cannot be reached")
    assert SECRET not in told.out + told.err + told.failed


def test_sentinels_that_know_no_primary(settings: Any) -> None:
    """The name of the service stands for the address that nobody knows."""
    options = {
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": [("127.0.0.1", 1)],
    }
    place = {"BACKEND": REDIS, "LOCATION": "redis://primary/0", "OPTIONS": options}
    settings.CACHES = {"default": place}
    start = time.perf_counter()
    [line] = wrong(manage("doctor"))
    # redis-py by itself asks a Sentinel ten times more, with pauses: that takes seconds.
    assert time.perf_counter() - start < 5
    assert line.startswith("Redis at primary (as the Sentinels know it) cannot be reached")


def test_a_cluster_has_no_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client has many pools; the answer is told without a place."""

    class Cluster:
        def __init__(self, client: Any) -> None:
            self.evalsha, self.eval = client.evalsha, client.eval
            self.execute_command = client.execute_command

    client = store.client
    monkeypatch.setattr(store, "client", lambda alias: Cluster(client(alias)))
    assert any(text.startswith("Redis answers, in ") for text in found(manage("doctor")))


@pytest.mark.parametrize(
    ("error", "told", "hint"),
    [
        (faults.AuthenticationError, "wants a password, or another one", "PASSWORD@host"),
        (faults.TimeoutError, "did not answer within 0.5 seconds", "SLOWLOG"),
        (faults.ReadOnlyError, "is a replica", "primary"),
        (faults.OutOfMemoryError, "is full", "maxmemory"),
        (faults.NoPermissionError, "does not permit", "ACL SETUSER"),
        (faults.ResponseError, "refuses", "EVAL"),
        (faults.BusyLoadingError, "cannot be reached", "redis-server"),
        (OSError, "No codes can be kept: Redis (OSError)", "CACHES"),
    ],
)
def test_each_fault_has_its_advice(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], told: str, hint: str
) -> None:
    """By the class of the error; its text may hold anything."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error(f"WRONGPASS {SECRET}")

    monkeypatch.setattr(type(store.client("default")), "execute_command", fail)
    ran = manage("doctor")
    [line] = wrong(ran)
    assert told in line
    assert hint in line
    assert SECRET not in ran.out + ran.failed


def test_a_cache_that_is_no_redis(settings: Any) -> None:
    """The check says what to write, and nothing pretends that a Redis was asked."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    first, second = wrong(manage("doctor"))
    assert "(otp_gate.E005) -> CACHES = {'default': " in first
    assert second.startswith(
        "No codes can be kept: CACHES['default'] is not served by django-redis"
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (["other", "0", "0"], "another answer than was written"),
        (["other", "x", "0"], "an answer that means nothing"),
        (None, "an answer that means nothing"),
    ],
)
def test_a_redis_that_answers_with_something_else(
    monkeypatch: pytest.MonkeyPatch, answer: Any, told: str
) -> None:
    """A proxy in between, or two servers behind one address."""
    monkeypatch.setattr(store, "run", lambda *args: answer)
    [line] = wrong(manage("doctor"))
    assert told in line


def test_clocks_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes live by the one, sessions by the other."""
    run = store.run

    def late(*args: Any) -> Any:
        read, seconds, micros = run(*args)
        return [read, int(seconds) - 60, micros]

    monkeypatch.setattr(store, "run", late)
    [line] = wrong(manage("doctor"))
    assert line.startswith("The clocks of Redis and of this process differ by 60 seconds -> Run a")


# What Redis throws away


@pytest.mark.parametrize(
    "policy", ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl", "volatile-lfu"]
)
@pytest.mark.parametrize(
    ("maxmemory", "when"),
    [(0, "as soon as a maxmemory is set"), (1_000_000, "when memory is short")],
)
def test_a_redis_that_evicts(
    says: Callable[..., None], policy: str, maxmemory: int, when: str
) -> None:
    """Whatever it evicts: each record of the gate has an expiry, so volatile-* finds it too."""
    says(info={"maxmemory_policy": policy, "maxmemory": maxmemory})
    [line] = wrong(manage("doctor"))
    assert line.startswith(f"Redis has maxmemory-policy {policy}: {when} it deletes the counts")
    assert "-> In redis.conf: maxmemory-policy noeviction" in line


def test_a_redis_that_evicts_nothing(says: Callable[..., None]) -> None:
    """As it should be; what else INFO says is a note."""
    says(info={"maxmemory_policy": "noeviction", "aof_enabled": 0, "evicted_keys": 12})
    told = manage("doctor")
    assert wrong(told) == []
    verdicts = found(told)
    assert verdicts["Redis evicts nothing (maxmemory-policy noeviction)"] == "ok"
    assert verdicts["Redis has evicted 12 keys so far"] == "note"
    assert any(text.startswith("Redis writes no log of changes") for text in verdicts)
    says(info={"maxmemory_policy": "noeviction", "aof_enabled": 1, "evicted_keys": 0})
    assert not any(
        "log of changes" in text or "evicted" in text for text in found(manage("doctor"))
    )


def test_of_a_cluster_the_worst_node_is_told(says: Callable[..., None]) -> None:
    """Whose record lies there is as badly off as if all nodes were so."""
    well, ill = {"maxmemory_policy": "noeviction"}, {"maxmemory_policy": "allkeys-lfu"}
    says(info={"10.0.0.1:6379": well, "10.0.0.2:6379": ill, "10.0.0.3:6379": well})
    [line] = wrong(manage("doctor"))
    assert "maxmemory-policy allkeys-lfu" in line


def test_where_info_is_forbidden_config_is_asked(says: Callable[..., None]) -> None:
    """Either says it."""
    says(config={"maxmemory-policy": "allkeys-lru"})
    [line] = wrong(manage("doctor"))
    assert "maxmemory-policy allkeys-lru" in line


def test_a_managed_redis_that_says_nothing(says: Callable[..., None]) -> None:
    """It could not be asked: a note, with what it must be."""
    says()
    told = manage("doctor")
    assert wrong(told) == []
    assert "INFO and CONFIG are forbidden" in told.out
    assert "It must be: maxmemory-policy noeviction" in told.out


# The sessions


def test_sessions_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is not there: by the class of the error."""

    def fail(self: Any, key: str) -> bool:
        raise OSError(SECRET)

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.exists", fail)
    told = manage("doctor")
    [line] = wrong(told)
    assert "(django.contrib.sessions.backends.db) cannot be read: OSError -> manage.py migr" in line
    assert SECRET not in told.out


# A test delivery


def test_a_test_delivery(alice: Any, settings: Any) -> None:
    """A mail as a person gets it, with a code that opens nothing; the address is not shown."""
    settings.LANGUAGE_CODE = "de"
    told = manage("doctor", "--deliver", "alice")
    assert "ok     Handed over by email for a•••@e•••.org: is it there?" in told.out
    [sent] = mail.outbox
    assert sent.to == ["alice@example.org"]
    assert "000000" in sent.body.replace(" ", "")
    assert "Minuten" in sent.body
    assert "alice@" not in told.out


@pytest.mark.parametrize(
    ("hosts", "host"), [(["*"], "localhost"), ([], "localhost"), (["*", ".a.example"], "a.example")]
)
def test_a_test_delivery_without_the_sites_framework(
    alice: Any, settings: Any, hosts: list[str], host: str
) -> None:
    """Then ALLOWED_HOSTS says of which site it is."""
    settings.INSTALLED_APPS = [
        app
        for app in settings.INSTALLED_APPS
        if app.rpartition(".")[2] not in ("sites", "flatpages", "redirects")
    ]
    settings.ALLOWED_HOSTS = hosts
    manage("doctor", "--deliver", "alice")
    assert host in mail.outbox[0].body


def test_a_delivery_that_fails(alice: Any, settings: Any) -> None:
    """By the class of the error: its text holds the address."""
    doubles.Broken.messages.clear()
    settings.OTP_GATE = {"FACTORS": ["tests.doubles.Carrier"]}
    told = manage("doctor", "--deliver", "alice")
    [line] = wrong(told)
    assert line.startswith("Not delivered by carrier: OSError -> The settings of that delivery")
    assert "the roof" not in told.out
    [message] = doubles.Broken.messages
    assert message.code == "000000"


def test_a_user_who_cannot_be_reached(alice: Any, settings: Any) -> None:
    """What is missing, by its name."""
    settings.OTP_GATE = {"FACTORS": [doubles.EMAIL, "tests.doubles.TextMessage"]}
    alice.email = ""
    alice.save()
    [line] = wrong(manage("doctor", "--deliver", "alice"))
    assert "who lacks an email address or a mobile phone number" in line


class Thought:
    """A factor that sends nothing."""

    id, label = "thought", "Thought"

    def missing(self, user: Any) -> str:
        return ""


def test_a_factor_that_sends_nothing(alice: Any, settings: Any) -> None:
    """There is nothing to try, and nothing wrong."""
    settings.OTP_GATE = {"FACTORS": [Thought]}
    told = manage("doctor", "--deliver", "alice")
    assert found(told)["The factor 'thought' sends nothing"] == "note"
    assert wrong(told) == []


def test_a_test_delivery_to_nobody() -> None:
    """A name that nobody has is told after the rest was looked at."""
    told = manage("doctor", "--deliver", "nobody")
    assert told.failed == "No user has the username 'nobody'."
    assert "Redis answers" in told.out


# On real servers


@contextmanager
def real_redis(settings: Any, *options: str) -> Iterator[servers.Server]:
    """Let the gate use a Redis of its own for a while."""
    with servers.redis_process(*options) as server:
        settings.CACHES = redis_at(server.port)
        try:
            yield server
        finally:
            store.client("default").connection_pool.disconnect()


@pytest.mark.once
def test_a_real_redis_that_evicts(settings: Any) -> None:
    """As it is set in redis.conf."""
    with real_redis(settings, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"):
        [line] = wrong(manage("doctor"))
    assert line.startswith("Redis has maxmemory-policy allkeys-lru: when memory is short")


@pytest.mark.once
def test_a_real_redis_that_is_well(settings: Any) -> None:
    """Its answer, its policy and its clock."""
    with real_redis(settings):
        told = manage("doctor")
        assert wrong(told) == []
        assert found(told)["Redis evicts nothing (maxmemory-policy noeviction)"] == "ok"
        with time_machine.travel(time.time() + 3600):
            [line] = wrong(manage("doctor"))
    assert "differ by 3600 seconds" in line or "differ by 3599 seconds" in line


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--requirepass", SECRET], "wants a password, or another one"),
        (["--maxmemory", "1", "--maxmemory-policy", "noeviction"], "is full"),
        (["--replicaof", "127.0.0.1", "1"], "is a replica, which takes no writes"),
        (["--rename-command", "EVALSHA", ""], "refuses what the gate does"),
        (["--user", "default", "on", "nopass", "~*", "+@all", "-@scripting"], "does not permit"),
    ],
    ids=["password", "full", "replica", "renamed", "acl"],
)
def test_a_real_redis_that_refuses(settings: Any, options: list[str], told: str) -> None:
    """Each in its own words."""
    with real_redis(settings, *options):
        [line] = wrong(manage("doctor"))
    assert told in line


@pytest.mark.once
def test_a_real_redis_that_forbids_questions(settings: Any) -> None:
    """A managed one: the gate works, and its policy is not known."""
    options = ["--user", "default", "on", "nopass", "~*", "+@all", "-info", "-config"]
    with real_redis(settings, *options):
        told = manage("doctor")
    assert wrong(told) == []
    assert "INFO and CONFIG are forbidden" in told.out


@pytest.mark.once
def test_right_that_is_missing_is_told_with_the_line_of_the_documentation(settings: Any) -> None:
    """The narrow one, for the keys of this site: nobody is told to permit FLUSHALL."""
    settings.OTP_GATE = {"KEY_PREFIX": "shop[1]"}
    options = ["--user", "default", "on", "nopass", "~*", "+@all", "-hset"]
    with real_redis(settings, *options):
        [line] = wrong(manage("doctor"))
    told = line.partition(" -> ")[2]
    assert told == redis_server.acl_line()
    assert r" ~:1:shop\[1]:* " in told
    assert "+hset " in told
    assert "@" not in told


@pytest.mark.once
def test_proxy_that_closes_on_info_is_no_redis_that_is_away(settings: Any) -> None:
    """As twemproxy: codes work, and only the policy is unknown."""
    with servers.redis_process() as server:
        proxy = Proxy(target=server.port, closes_on=b"INFO")
        proxy.listen()
        settings.CACHES = redis_at(proxy.port)
        told = manage("doctor")
        settings.CACHES = {}
        proxy.stop()
    assert (told.failed, wrong(told)) == ("", [])
    verdicts = found(told)
    assert verdicts["Redis runs the gate's scripts (EVALSHA), and keeps what they write"] == "ok"
    [text] = [text for text in verdicts if text.startswith("Redis runs scripts, but INFO is not")]
    assert verdicts[text] == "note"
    assert "maxmemory-policy must be noeviction" in told.out


@pytest.mark.parametrize("location", [["redis://127.0.0.1:1"], "redis://127.0.0.1:1"], ids=str)
def test_cluster_without_a_node_that_answers_is_told(settings: Any, location: Any) -> None:
    """Status 1 and a line, not a traceback."""
    settings.CACHES = caches_of_cluster(location)
    told = manage("doctor")
    [line] = wrong(told)
    assert line.startswith("Redis has no cluster node that answers (RedisClusterException) -> ")
    assert "LOCATION" in line
    assert told.status == 1


@pytest.mark.once
def test_single_server_in_place_of_a_cluster_is_told(settings: Any) -> None:
    """The same words: its client cannot tell why."""
    with servers.redis_process() as server:
        settings.CACHES = caches_of_cluster([f"redis://127.0.0.1:{server.port}"])
        [line] = wrong(manage("doctor"))
        settings.CACHES = {}
    assert "a single server wants no CONNECTION_FACTORY" in line


@pytest.mark.once
def test_a_real_redis_that_hangs(settings: Any) -> None:
    """The doctor does not wait longer than the gate does."""
    with real_redis(settings) as server:
        server.process.send_signal(signal.SIGSTOP)
        start = time.perf_counter()
        [line] = wrong(manage("doctor"))
    assert "did not answer within 0.5 seconds" in line
    assert time.perf_counter() - start < servers.PATIENCE


def test_a_server_that_runs_scripts_and_says_nothing_of_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behind a proxy that closes the connection on INFO: a note, and nothing is wrong."""

    def closed(*_: str) -> None:
        raise store.StoreUnavailable("Redis (ConnectionError)")

    monkeypatch.setattr(store, "ask", closed)
    told = manage("doctor")
    assert told.status == 0
    [note] = [text for text, verdict in found(told).items() if "INFO is not answered" in text]
    assert found(told)[note] == "note"


def test_a_right_that_is_missing_inside_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis tells it as an error of the script; the line to type is printed."""

    def refused(*_: Any) -> None:
        cause = faults.ResponseError("ERR The user executing the script can't run this command")
        raise store.StoreUnavailable("Redis (ResponseError)") from cause

    monkeypatch.setattr(store, "run", refused)
    [line] = [text for text in wrong(manage("doctor")) if "ACL SETUSER" in text]
    assert "does not permit what the gate does" in line
