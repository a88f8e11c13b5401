"""How Sphinx makes the pages: `make docs`. Nothing is fetched while it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
os.environ["DJANGO_SETTINGS_MODULE"] = "site_project.settings"
django.setup()

import otp_gate  # noqa: E402

project = "django-otp-gate"
author = "django-otp-gate contributors"
project_copyright = author
version = release = otp_gate.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "api",
    "root_pages",
    "settings_page",
]
exclude_patterns = ["_ext"]
# Docstrings put code between single backticks, as the pages do.
default_role = "literal"

html_theme = "furo"
html_title = "django-otp-gate"
html_static_path = ["_static"]
html_css_files = ["wide-tables.css"]
html_show_sphinx = False
html_copy_source = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False

nitpicky = True
# Names of Python's and of other packages have no page here, and looking up theirs takes a network.
nitpick_ignore_regex = [("py:.*", r"(?!otp_gate\.).*")]
# What `gate_open` and `gate_shut` are made of, which nobody names.
nitpick_ignore_regex += [("py:class", r"otp_gate\.testing\.switch\.(Turn|Decorated)")]
# What `request.otp_gate` gives to the package itself.
nitpick_ignore_regex += [("py:class", r"otp_gate\.(state\.Arrival|session\.Mark)")]
# A type variable: whatever a stream is made of.
nitpick_ignore_regex += [("py:class", r"otp_gate\.streams\.Chunk")]
