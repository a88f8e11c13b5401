"""Every host is allowed, and no sites framework says which one this site has."""

from __future__ import annotations

from tests.bad_projects.right import *  # noqa: F403
from tests.settings import INSTALLED_APPS as ALL

ALLOWED_HOSTS = ["*"]
NEED_SITES = ("sites", "flatpages", "redirects")
INSTALLED_APPS = [name for name in ALL if name.rpartition(".")[2] not in NEED_SITES]
