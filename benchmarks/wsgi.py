"""The site for gunicorn."""

from __future__ import annotations

from benchmarks.project import set_up

set_up()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402

application = WSGIHandler()
