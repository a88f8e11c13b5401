"""What people and programs send to the gate's own pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from otp_gate.django_internals import scrub_code

READ = "otp_gate_submission"
"""Where a request keeps what was read from it, without the code."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The fields of a request, of whatever type they came in."""

    code: object = field(repr=False)
    next: object
    factor: object
    token: object
    kept: object
    """Of which kept request the page spoke; None if it was no page that sent this."""


@sensitive_variables()
def read(request: HttpRequest) -> Submission:
    """Read the body, as a form or as JSON, and take the code out of the request.

    A code in the query string is ignored. The code is returned once: log records and error reports
    carry the request, and must not find it there.
    """
    before: Submission | None = request.__dict__.get(READ)
    if before is not None:
        return before
    body: Mapping[str, Any] = read_json(request) if is_json(request) else request.POST
    given = Submission(
        body.get("code"),
        body.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME),
        body.get("factor"),
        body.get("token") or request.GET.get("token"),
        body.get("kept"),
    )
    request.__dict__[READ] = replace(given, code=None)
    scrub_code(request)
    return given


def is_json(request: HttpRequest) -> bool:
    return request.content_type == "application/json"


@sensitive_variables()
def read_json(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body; nothing, where there is none."""
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
