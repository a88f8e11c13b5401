"""The gate with user models of other projects: another process, since the model cannot change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("model", ["people.UUIDUser", "people.NamedUser", "people.EmailUser"])
def test_any_primary_key_and_any_field_names(model: str) -> None:
    """A UUID, a text, a number; a handle or an address to log in by; no `username`: held, sent, in."""
    environ = {**os.environ, "USER_MODEL": model, "DJANGO_SETTINGS_MODULE": "tests.people.settings"}
    told = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.people.story"],
        cwd=Path(__file__).parent.parent,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (told.returncode, told.stderr[-3000:]) == (0, "")
