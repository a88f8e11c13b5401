"""Django's test runner, which also writes what it found to the file that RESULT names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.test.runner import DiscoverRunner


class Runner(DiscoverRunner):
    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> Any:
        failed = [test for test, _ in (*result.failures, *result.errors)]
        found = {
            "ran": result.testsRun,
            "skipped": len(result.skipped),
            "failed": sorted({name_of(test) for test in (*failed, *result.unexpectedSuccesses)}),
        }
        Path(os.environ["RESULT"]).write_text(json.dumps(found), "utf-8")
        return super().suite_result(suite, result, **kwargs)


def name_of(test: Any) -> str:
    """Return the dotted path of a test; that of the whole test for a subtest."""
    return str(getattr(test, "test_case", test).id())
