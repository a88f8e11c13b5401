#!/usr/bin/env bash
# django-user-sessions imports `pkg_resources`, which is a part of setuptools up to version 81, and does not
# name setuptools as a requirement. An environment of Python 3.12 or newer has no setuptools by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check \
  django==5.2.19 django-user-sessions==2.0.0 || exit 2
# As environments are from Python 3.12 on.
"$folder/venv/bin/pip" uninstall -q -y --disable-pip-version-check setuptools >/dev/null 2>&1 || exit 2
cd "$folder" && ./venv/bin/python - <<'PY'
import sys
from importlib.metadata import requires, version

try:
    import user_sessions  # noqa: F401
except ImportError as error:
    seen = repr(error)
else:
    seen = "no error"
print(f"django-user-sessions {version('django-user-sessions')}, which requires {requires('django-user-sessions')}")
print("expected: no error")
print(f"seen:     {seen}")
sys.exit(seen != """ModuleNotFoundError("No module named 'pkg_resources'")""")
PY
