"""Run the demo site: a temporary database, two users, one process. Needs no Redis."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = {"demo": "an ordinary user", "admin": "a superuser"}

WELCOME = """
  The demo site is at http://{address}/

  Log in as  {people}

  After the password the site wants a code. It is in the mail that appears here,
  in this terminal, and lives {ttl} seconds. Codes are kept in {redis}.
  Ctrl-C ends the site and removes its database.
"""


def parse(address: str) -> tuple[str, int]:
    """Read "8001", "127.0.0.1:8001" or "0.0.0.0:8001"."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"{address!r} is no address: write ADDRESS=127.0.0.1:8001, or only the port.")
    return host or "127.0.0.1", int(port)


def claim(host: str, port: int) -> None:
    """Say in one sentence that an address cannot be had; runserver would say it less well."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"http://{host}:{port}/ cannot be used ({error.strerror}). "
                f"Try another port: make demo ADDRESS={host}:{min(port + 1, 65535)}"
            )


def make_people() -> None:
    from django.contrib.auth.models import User

    User.objects.create_user("demo", "demo@example.org", "demo")
    User.objects.create_superuser("admin", "admin@example.org", "admin")


def check_redis() -> None:
    from django_redis import get_redis_connection
    from redis.exceptions import RedisError

    try:
        get_redis_connection("default").ping()
    except (RedisError, OSError) as error:
        sys.exit(f"The Redis of REDIS_URL does not answer: {error}")


def main(folder: str) -> None:
    host, port = parse(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000")
    claim(host, port)
    os.environ["DJANGO_SETTINGS_MODULE"] = "site_project.settings"
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/demo.sqlite3"
    sys.path.insert(0, str(ROOT))

    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command

    try:
        django.setup()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    if os.environ.get("REDIS_URL"):
        check_redis()
    call_command("migrate", verbosity=0)
    make_people()
    people = "\n             ".join(
        f"{name:<6} password {name:<6} ({what})" for name, what in PEOPLE.items()
    )
    print(
        WELCOME.format(
            address=f"{host}:{port}",
            people=people,
            ttl=settings.OTP_GATE["CODE_TTL"],
            redis="the Redis of REDIS_URL" if os.environ.get("REDIS_URL") else "this process",
        )
    )
    # The reloader would run all of this a second time, in a process of its own.
    call_command("runserver", f"{host}:{port}", use_reloader=False)


if __name__ == "__main__":
    # A code that waits in a buffer is a code that has expired.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with tempfile.TemporaryDirectory(prefix="otp-gate-demo-") as folder:
            main(folder)
    except KeyboardInterrupt:
        sys.exit(0)
