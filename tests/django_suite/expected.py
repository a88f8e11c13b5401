"""Which of Django's tests run behind the gate, which of them fail, and why.

No other test may fail, and each of these must: the list names what the gate really changes.
"""

from __future__ import annotations

from typing import NamedTuple

LABELS = """
admin_autodiscover admin_changelist admin_custom_urls admin_default_site admin_docs admin_filters
admin_inlines admin_ordering admin_registration admin_utils admin_views admin_widgets asgi async
auth_tests cache conditional_processing context_processors csrf_tests decorators deprecation
file_uploads flatpages_tests generic_inline_admin generic_views handlers httpwrappers i18n
messages_tests middleware middleware_exceptions redirects_tests requests_tests resolve_url responses
servers sessions_tests shortcuts signals signed_cookies_tests sitemaps_tests sites_tests
staticfiles_tests syndication_tests test_client test_client_regress test_utils timezones
urlpatterns urlpatterns_reverse view_tests wsgi
""".split()  # noqa: SIM905 - shorter to read than a list
"""Every part of Django's suite that sends requests, or tests what answers them."""

LEAST = 5_500
"""Fewer tests than this, and the run has not been one."""


class Failure(NamedTuple):
    versions: tuple[str, ...]
    """Of Django, such as "5.2"."""
    reason: str


FROM_READING = {
    "view_tests.tests.test_debug.ExceptionReporterFilterTests.test_cleanse_session_cookie_value": Failure(
        ("5.2", "6.0", "6.1"),
        "sends a session cookie and allows no query: any middleware that reads the session fails",
    ),
    "auth_tests.test_middleware.TestLoginRequiredMiddleware.test_public_view_logged_in_performance": Failure(
        ("6.0", "6.1"),
        "counts no query on a public page for a logged-in user: a look at the session is one",
    ),
}
"""Tests that fail with any middleware that reads the session.

Proved at each run: they fail with `chains.reads_session` in place of the gate, and pass with
neither.
"""

FROM_THE_MACHINE = (
    "file_uploads.tests.DirectoryCreationTests.test_readonly_root",
    "i18n.test_compilation.PoFileTests.test_no_write_access",
)
"""Tests that fail where root runs them: they expect that a file may not be written.

Proved at each run: they fail without the gate, too.
"""


def from_reading(version: str) -> set[str]:
    """Return the tests that must fail behind the gate, for a version of Django."""
    return {name for name, failure in FROM_READING.items() if version in failure.versions}
