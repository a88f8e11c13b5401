"""Password, code, in; for two people on one site. Run as a program by `test_user_models`."""

from __future__ import annotations

from typing import Any

import django
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.test.utils import override_settings, setup_test_environment


def tell() -> None:
    from django.contrib.auth import get_user_model

    from tests import views
    from tests.browsers import AsyncBrowser
    from tests.commands import manage
    from tests.gates import assert_held
    from tests.helpers import PASSWORD, VERIFY, log_in, open_page
    from tests.sockets import REFUSED, SITES, Socket, in_loop

    def knock(site: str, browser: Any) -> Any:
        found = []

        @in_loop
        async def connect() -> None:
            socket = Socket(SITES[site](), browser)
            answer = await socket.ask()
            # What is said next is looked at as the first was: by the key as the session has it.
            found.append((answer, answer[0] and await socket.says("hello")))
            if answer[0]:
                await socket.leave()

        connect()
        return found[0]

    call_command("migrate", run_syncdb=True, verbosity=0)
    model = get_user_model()
    by_address = model.USERNAME_FIELD == "email"
    for handle in ("alice", "bob"):
        address = f"{handle}@example.org"
        user = model(email=address) if by_address else model(handle=handle, contact=address)
        if model._meta.pk.name == "key":
            user.pk = f"é/{handle}: 1"
        user.set_password(PASSWORD)
        user.save()
    for handle in ("alice", "bob"):
        name = f"{handle}@example.org" if by_address else handle
        secret = f"secret of {name}".encode()
        for browser in (Client(), AsyncBrowser(Client())):
            log_in(browser, name)
            with override_settings(OTP_GATE={"POLICY": "otp_gate.policy.superusers"}):
                assert browser.get("/secret/").content == secret
            views.RAN.clear()
            assert_held(browser.get("/secret/"), "/secret/")
            for site in SITES:
                assert knock(site, browser) == (REFUSED, False)
            code = open_page(browser)
            assert mail.outbox[-1].to == [f"{handle}@example.org"]
            assert browser.post(VERIFY, {"code": code}).status_code == 302
            assert browser.get("/secret/").content == secret
            assert browser.get("/asecret/").content == secret
            for site in SITES:
                greeting = "plain" if site == "plain" else name
                assert knock(site, browser) == ((True, greeting), "hello")
        assert f"{name} (id " in manage("status", name).out
    with override_settings(OTP_GATE={"MODE": "report"}):
        client = Client()
        log_in(client, name)
        client.get("/secret/")
        assert f"1  {name}  secret" in manage("report").out


if __name__ == "__main__":
    django.setup()
    setup_test_environment()
    tell()
