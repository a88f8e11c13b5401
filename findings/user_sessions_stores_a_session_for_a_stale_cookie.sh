#!/usr/bin/env bash
# To read a session whose key names nothing is not to write, with Django's engines. The engine of
# django-user-sessions stores an empty session in `load()`: `request.user` on a page adds a row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check \
  django==5.2.19 django-user-sessions==2.0.0 "setuptools<81" || exit 2
cd "$folder" && ./venv/bin/python -W ignore - <<'PY'
import sys
from importlib.metadata import version

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="finding",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "user_sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SESSION_ENGINE="user_sessions.backends.db",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.core.management import call_command
from user_sessions.backends.db import SessionStore
from user_sessions.models import Session

call_command("migrate", verbosity=0)
for _ in range(3):
    SessionStore("stale" * 6 + "00").get("cart")
seen = Session.objects.count()
print(f"django-user-sessions {version('django-user-sessions')}, Django {django.__version__}")
print("expected: 0 rows after three looks")
print(f"seen:     {seen} rows")
sys.exit(seen != 3)
PY
