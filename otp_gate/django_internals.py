"""Every private name of Django that the gate uses, each with its reason.

`tests/test_django_internals.py` has a test for each of them, which fails when Django changes it.
"""

from __future__ import annotations
