#!/usr/bin/env bash
# `channels.auth.login` sends Django's `user_logged_in` with `request=None`, so a receiver that works
# on `request.session` or `request.META` either raises or does nothing for a login over a WebSocket.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check \
  channels==4.3.2 django==5.2.19 || exit 2
cd "$folder" && ./venv/bin/python - <<'PY'
import asyncio, sys
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="finding",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()
import channels
from channels.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.management import call_command

call_command("migrate", verbosity=0)
user = User.objects.create_user("ann")
seen = []


def receiver(sender, request, user, **kwargs):
    seen.append(request)


user_logged_in.connect(receiver)
scope = {"type": "websocket", "session": SessionStore()}
asyncio.run(login(scope, user, "django.contrib.auth.backends.ModelBackend"))
print(f"channels {channels.__version__}, Django {django.__version__}")
print("expected: one signal with a request, or with something that has the session")
print(f"seen:     {seen}")
sys.exit(seen != [None])
PY
