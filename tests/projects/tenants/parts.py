"""The real servers of this project: a database of PostgreSQL, and a Redis that ends with the run."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from typing import Any, NoReturn

MISSING = 77
"""The exit status of a run for which a real part is missing."""

HOST = os.environ.get("PGHOST", "127.0.0.1")
PORT = os.environ.get("PGPORT", "5432")
USER = os.environ.get("PGUSER", "postgres")
PATIENCE = 60
"""Seconds that a server may take to start."""


def database() -> dict[str, Any]:
    """Make a database that is dropped when this process ends; return its settings."""
    import psycopg

    name = f"otp_gate_{secrets.token_hex(6)}"

    def execute(statement: str) -> None:
        with psycopg.connect(
            host=HOST, port=PORT, user=USER, dbname="postgres", autocommit=True, connect_timeout=3
        ) as admin:
            admin.execute(statement)

    try:
        execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError as error:
        missing(f"PostgreSQL server ({type(error).__name__})")
    atexit.register(execute, f'DROP DATABASE "{name}" WITH (FORCE)')
    return {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": name,
        "HOST": HOST,
        "PORT": PORT,
        "USER": USER,
        "PASSWORD": os.environ.get("PGPASSWORD", ""),
    }


def redis() -> str:
    """Start a Redis that ends with this process; return its URL."""
    executable = shutil.which("redis-server")
    if executable is None:
        missing("redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(executable), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(process.terminate)
    limit = time.monotonic() + PATIENCE
    while not listens(port):
        if process.poll() is not None or time.monotonic() > limit:
            missing("redis-server that starts")
    return f"redis://127.0.0.1:{port}/0"


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def missing(part: str) -> NoReturn:
    """End the run, and say which real part it needs."""
    sys.stderr.write(f"there is no {part}\n")
    sys.exit(MISSING)
