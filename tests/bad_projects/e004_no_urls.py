"""The line in the URLconf was forgotten."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403

ROOT_URLCONF = "tests.urlconfs.without_pages"
OTP_GATE: dict[str, object] = {}
