"""Doors tried as somebody who is made up for it. Run as a program by `test_testing_people`."""

from __future__ import annotations

import django
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment


def tell() -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from otp_gate.testing import assertGated, assertNotGated, login_verified, somebody

    call_command("migrate", run_syncdb=True, verbosity=0)
    Group.objects.create(name="editors")
    for url in ("/secret/", "/asecret/", "/no-such-page/"):
        assertGated(url)
    assertNotGated("/otp/")
    client = Client()
    login_verified(client, somebody())
    assert client.get("/secret/").content == b"secret of half-authenticated"
    assert get_user_model().objects.count() == 1


if __name__ == "__main__":
    django.setup()
    setup_test_environment()
    tell()
