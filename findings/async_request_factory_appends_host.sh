#!/usr/bin/env bash
# The extra arguments of AsyncRequestFactory are raw headers of the ASGI scope. `host=` does not replace
# the factory's own "testserver" header: the request has both, joined by a comma as repeated headers are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check \
  django==5.2.19 || exit 2
cd "$folder" && ./venv/bin/python - <<'PY'
import sys
import django
from django.conf import settings

settings.configure()
from django.test import AsyncRequestFactory

seen = AsyncRequestFactory(host="shop.example").get("/").META["HTTP_HOST"]
print(f"Django {django.__version__}")
print("expected: shop.example")
print(f"seen:     {seen}")
sys.exit(seen != "testserver,shop.example")
PY
