"""What docs/deployment.md tells an operator to type does what it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.test import Client

from tests.browsers import guess, post_json
from tests.helpers import RESEND, VERIFY, disown_link, last_code, log_in, open_page
from tests.servers import ROOT, redis_process

pytestmark = pytest.mark.once


def test_the_acl_is_enough_for_the_whole_story(settings: Any, half: Client, bob: Any) -> None:
    """Codes, limits of the user and of the site, disown, unlock, for a user with these rights."""
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    found = re.search(r"ACL of the gate's user \| `([^`]+)`, keys `([^`]+)`", page)
    assert found is not None
    with redis_process() as server:
        with redis.Redis(port=server.port) as root:
            rights = [*found[1].split(), found[2]]
            root.execute_command("ACL", "SETUSER", "gate", "on", ">word", "resetchannels", *rights)
        settings.CACHES = {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"redis://gate:word@127.0.0.1:{server.port}/0",
            }
        }
        settings.OTP_GATE = {"RESEND_COOLDOWN": 0, "GLOBAL_SENDS": (100, 60), "ALARM": (2, 60)}
        open_page(half)
        assert guess(half, 3).json()["code"] == "invalid"
        assert post_json(half, RESEND).status_code == 200
        call_command("otp_gate", "unlock", "alice")
        assert half.post(VERIFY, {"code": last_code()}).status_code == 302
        other = Client()
        log_in(other, "bob")
        open_page(other)
        path, _, token = disown_link().partition("?token=")
        assert b"done" in post_json(Client(), path, {"token": token}).content
        assert other.get("/secret/").status_code == 302
        settings.CACHES = {}
