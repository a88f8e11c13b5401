"""Start the project by its own command, in the folder of this run, and take its settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.projects.three_lines import FOLDER, add_three_lines

if not (FOLDER / "manage.py").exists():
    command = [Path(sys.executable).parent / "wagtail", "start", "shop", FOLDER]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={"PATH": ""})

from shop.settings.base import *  # noqa: F403

ROOT_URLCONF = "tests.projects.wagtail.urls"
WAGTAIL_ENABLE_UPDATE_CHECK = False

add_three_lines(globals())
