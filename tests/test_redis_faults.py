"""Redis fails: the gate stays shut, nobody sees a 500, nothing blocks, the next try works."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Any

import pytest
from django.test import Client
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from otp_gate import codes, store
from otp_gate.challenge import Challenge
from otp_gate.exceptions import StoreUnavailable
from otp_gate.site_limits import alarm
from tests import servers
from tests.browsers import (
    is_in,
    post_json,
    redis_at,
    refused_everywhere,
)
from tests.helpers import (
    DISOWN,
    RESEND,
    VERIFY,
    disown_link,
    last_code,
    log_in,
    open_page,
    wrong_code,
)

REDIS = "django_redis.cache.RedisCache"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


# Redis is away


def test_redis_away_is_a_friendly_page(held: Any, no_redis: None) -> None:
    """503 for people and for programs; `next` is kept for the next try."""
    refused_everywhere(held)
    page = held.get(VERIFY + "?next=/secret/").content.decode()
    assert 'href="/otp/?next=/secret/"' in page


def test_redis_away_is_noticed_at_once(half: Client, no_redis: None) -> None:
    """A refused connection holds a worker for less than a second, not for ten retries."""
    start = time.perf_counter()
    assert half.get(VERIFY).status_code == 503
    assert time.perf_counter() - start < 1


def test_the_verified_notice_nothing(held: Any, verified: Client, no_redis: None) -> None:
    """Whoever is in has no business with Redis; who is not stays out."""
    assert verified.get("/secret/").content == b"secret of alice"
    assert verified.get(VERIFY)["Location"] == "/"
    verified.post("/logout/")
    assert not is_in(held)


def test_after_recovery_the_next_try_works(half: Client, settings: Any) -> None:
    """Nothing has to be restarted."""
    caches = settings.CACHES
    settings.CACHES = redis_at(1)
    assert half.get(VERIFY).status_code == 503
    settings.CACHES = caches
    assert half.post(VERIFY, {"code": open_page(half)}).status_code == 302


def test_redis_away_at_the_mail_link(client: Client, half: Client, settings: Any) -> None:
    """The page of the mail asks, and says when it cannot do what it asks."""
    open_page(half)
    token = disown_link().split("token=")[1]
    settings.CACHES = redis_at(1)
    assert client.get(DISOWN, {"token": token}).status_code == 200
    assert client.post(DISOWN, {"token": token}).status_code == 503
    assert post_json(client, DISOWN, {"token": token}).json()["code"] == "unavailable"


@pytest.mark.parametrize(
    "error", [ReadOnlyError, OutOfMemoryError, BusyLoadingError, ResponseError, ConnectionError]
)
def test_every_fault_of_redis_is_one(
    half: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Read-only, full, loading, confused: 503, nobody is let in, and the log says which."""
    code = open_page(half)

    def fail(*args: object, **kwargs: object) -> None:
        raise error("told by the server")

    with monkeypatch.context() as patch:
        patch.setattr(type(store.client("default")), "execute_command", fail)
        refused_everywhere(half)
    assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_record_that_somebody_else_wrote_is_a_fault(half: Client, alice: Any) -> None:
    """A key of another type under our name lets nobody in (A-88)."""
    key = store.record_key(codes.user_digest(str(alice.pk)))
    store.client("default").set(key, "forged")
    refused_everywhere(half)


def test_the_log_names_the_fault_and_no_secret(
    half: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the code nor the password of Redis is written down."""
    settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": "redis://:hunter2@127.0.0.1:1/0"}}
    caplog.set_level("DEBUG")
    half.post(VERIFY, {"code": "135790"})
    assert "Unavailable: Redis (ConnectionError)" in caplog.text
    assert "hunter2" not in caplog.text
    assert "135790" not in caplog.text


# A real server


def test_a_server_that_hangs_is_bounded(half: Client, verified: Client, settings: Any) -> None:
    """SIGSTOP: the connection stands and no answer comes; half a second, once (A-83)."""
    with servers.redis_process() as server:
        settings.CACHES = redis_at(server.port)
        log_in(half := Client())
        code = open_page(half)
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            for act in (
                lambda: half.post(VERIFY, {"code": code}),
                lambda: half.get(VERIFY),
                lambda: half.post(RESEND),
            ):
                start = time.perf_counter()
                assert act().status_code == 503
                assert time.perf_counter() - start < 1
            assert is_in(verified)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        # The post above may have reached the server after all: then the code was used, by it.
        if not is_in(half):
            half.post(RESEND)
            again = Client()
            log_in(again)
            assert again.post(VERIFY, {"code": open_page(again)}).status_code == 302


def test_a_connection_that_was_cut_is_renewed(half: Client, settings: Any) -> None:
    """CLIENT KILL, or an idle timeout of the server: the next call works."""
    with servers.redis_process() as server:
        settings.CACHES = redis_at(server.port)
        log_in(half := Client())
        code = open_page(half)
        killer = store.client("default")
        killer.client_kill_filter(_type="normal", skipme=False)
        assert half.post(VERIFY, {"code": code}).status_code == 302


def test_a_lost_answer_is_asked_for_again_and_counted_once(
    half: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library repeats the script; the attempt is counted and the send is made once."""
    with servers.redis_process() as server:
        settings.CACHES = redis_at(server.port)
        log_in(half := Client())
        lost: list[str] = []
        receive = store.client("default").connection_pool.connection_class.read_response

        def lose_first(self: Any, *args: Any, **kwargs: Any) -> Any:
            answer = receive(self, *args, **kwargs)
            if len(lost) < 1 and isinstance(answer, str) and answer.count(":"):
                lost.append(answer)
                self.disconnect()
                raise RedisConnectionError("lost")
            return answer

        def with_one_loss(act: Any) -> Any:
            lost.clear()
            with monkeypatch.context() as patch:
                pool = store.client("default").connection_pool
                patch.setattr(pool.connection_class, "read_response", lose_first)
                response = act()
            assert len(lost) == 1
            return response

        assert with_one_loss(lambda: post_json(half, RESEND)).status_code == 200
        wrong = with_one_loss(lambda: post_json(half, VERIFY, {"code": wrong_code()}))
        assert wrong.json()["attempts_left"] == 4
        right = with_one_loss(lambda: post_json(half, VERIFY, {"code": last_code()}))
        assert right.json()["status"] == "verified"
        assert is_in(half)


def test_a_black_hole_is_bounded(half: Client, settings: Any) -> None:
    """A server that accepts and says nothing, as behind a broken proxy."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        settings.CACHES = redis_at(hole.getsockname()[1])
        start = time.perf_counter()
        assert half.get(VERIFY).status_code == 503
        assert time.perf_counter() - start < 1


def test_an_engine_call_raises_one_exception(no_redis: None) -> None:
    """Whatever is asked of the store, its faults have one name."""
    challenge = Challenge("1", "nonce", "")
    for act in (
        challenge.peek,
        challenge.discard,
        lambda: alarm("1", 1, 60),
        lambda: challenge.withdraw("123456"),
        lambda: challenge.verify("123456"),
        lambda: store.discount("key", "event"),
    ):
        with pytest.raises(StoreUnavailable):
            act()
