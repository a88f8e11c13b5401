#!/usr/bin/env bash
# `Signal.send_robust` logs a receiver that fails by its `__qualname__`. A functools.partial, or an instance
# with `__call__`, has none: the AttributeError leaves `send_robust`, and the receivers after it are not called.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check \
  django==5.2.19 || exit 2
cd "$folder" && ./venv/bin/python - <<'PY'
import sys
from functools import partial

import django
from django.conf import settings
from django.dispatch import Signal

settings.configure()


def receiver(code, **kwargs):
    raise ValueError(code)


signal, failing = Signal(), partial(receiver, 1)
signal.connect(failing)
try:
    seen = repr(signal.send_robust(sender=None)[0][1])
except Exception as error:
    seen = f"raised {error!r}"
print(f"Django {django.__version__}")
print("expected: ValueError(1)")
print(f"seen:     {seen}")
sys.exit(not seen.startswith("raised AttributeError("))
PY
