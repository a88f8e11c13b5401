"""Every state that a page of the gate can be in, brought about as people bring it about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from tests.clock import Clock
from tests.doubles import EMAIL
from tests.helpers import DISOWN, RESEND, VERIFY, disown_link, last_code, open_page, wrong_code


class Scene:
    """Alice's browser between password and code, and what may be turned on the site."""

    def __init__(self, client: Client, clock: Clock, settings: Any) -> None:
        self.client, self.clock, self.settings = client, clock, settings

    def gate(self, **changed: Any) -> None:
        self.settings.OTP_GATE = {**getattr(self.settings, "OTP_GATE", {}), **changed}

    def type(self, code: str) -> Any:
        return self.client.post(VERIFY, {"code": code, "next": "/secret/"})


def opened(scene: Scene) -> Any:
    return scene.client.get(f"{VERIFY}?next=/secret/")


def wrong(scene: Scene) -> Any:
    open_page(scene.client)
    return scene.type(wrong_code())


def expired(scene: Scene) -> Any:
    open_page(scene.client)
    scene.clock.advance(301)
    return scene.type(last_code())


def superseded(scene: Scene) -> Any:
    earlier = open_page(scene.client)
    scene.clock.advance(31)
    scene.client.post(RESEND)
    return scene.type(earlier)


def used_up(scene: Scene) -> Any:
    scene.gate(CODE_ATTEMPTS=1)
    return wrong(scene)


def none_alive(scene: Scene) -> Any:
    return scene.type("123456")


def too_early(scene: Scene) -> Any:
    open_page(scene.client)
    return scene.client.post(RESEND)


def too_many(scene: Scene) -> Any:
    scene.gate(SENDS=[(1, 900)], RESEND_COOLDOWN=0)
    open_page(scene.client)
    return scene.client.post(RESEND)


def locked(scene: Scene) -> Any:
    scene.gate(FAILURES={"lock_after": 1})
    wrong(scene)
    return scene.client.get(VERIFY)


def stopped(scene: Scene) -> Any:
    scene.gate(FAILURES={"stop": 1})
    return wrong(scene)


def unreachable(scene: Scene) -> Any:
    scene.gate(FACTORS=["tests.doubles.TextMessage"])
    return scene.client.get(VERIFY)


def undeliverable(scene: Scene) -> Any:
    scene.gate(FACTORS=["tests.doubles.Carrier"])
    return scene.client.get(VERIFY)


def two_factors(scene: Scene) -> Any:
    scene.gate(FACTORS=[EMAIL, "tests.doubles.Carrier"])
    return scene.client.get(VERIFY)


def step_up(scene: Scene) -> Any:
    scene.client.post(VERIFY, {"code": open_page(scene.client)})
    scene.clock.advance(400)
    return scene.client.get("/step-up/", follow=True)


def unavailable(scene: Scene) -> Any:
    scene.settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    return scene.client.get(VERIFY)


def disown(scene: Scene) -> Any:
    open_page(scene.client)
    return scene.client.get(disown_link())


def disowned(scene: Scene) -> Any:
    open_page(scene.client)
    return scene.client.post(disown_link())


def disowned_too_late(scene: Scene) -> Any:
    scene.client.post(VERIFY, {"code": open_page(scene.client)})
    return scene.client.post(disown_link())


def disown_nothing(scene: Scene) -> Any:
    return scene.client.get(DISOWN, {"token": "made up"})


ASKING: dict[str, Callable[[Scene], Any]] = {
    name.__name__: name
    for name in (
        *(opened, wrong, expired, superseded, used_up, none_alive, too_early, too_many),
        *(undeliverable, two_factors, step_up),
    )
}
"""The page has a field for a code."""

ALL = ASKING | {
    name.__name__: name
    for name in (
        *(locked, stopped, unreachable, unavailable),
        *(disown, disowned, disowned_too_late, disown_nothing),
    )
}
