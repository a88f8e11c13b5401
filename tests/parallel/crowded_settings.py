"""The same project where hundreds ask at one moment: what is proved is who gets in, not how soon.

On two cores a thread may wait longer for its turn than the gate waits for Redis, and would say
that Redis is not there.
"""

from __future__ import annotations

from tests.parallel.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.parallel.few_forms.FewForms"]  # noqa: F405
OTP_GATE = {**OTP_GATE, "REDIS_TIMEOUT": 20}  # noqa: F405
