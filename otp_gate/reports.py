"""What the gate tells of those it stops; in report mode, whom it would have stopped, and where."""

from __future__ import annotations

import collections
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from otp_gate import codes, log_records, scripts, store
from otp_gate.conf import gate_config
from otp_gate.exceptions import StoreUnavailable
from otp_gate.exemptions import resolve_in
from otp_gate.identity import user_id_of
from otp_gate.state import GateState

logger = logging.getLogger("otp_gate")

ROOM = 10_000
"""So many pairs of a user and a place are told apart; what comes later is one sum."""

LIFE = 30 * 24 * 3600
"""Seconds that the counters live after the last request that was counted."""

PAUSE = 30
"""Seconds for which a process does not ask a Redis again that gave no answer."""

NOWHERE = "(no such URL)"
DELETED = "(deleted)"
OTHERS = "(others)"
ELSEWHERE = "(elsewhere)"
NO_ROOM = f"{OTHERS} {ELSEWHERE}"
SINCE = "(since)"


class Counter(NamedTuple):
    """One user at one place, so many times."""

    user: str | None
    """The name; None for a user who is gone (or was counted under another SECRET_KEY)."""
    where: str | None
    """The name or pattern of the view, or NOWHERE; None for the sum of what found no room."""
    times: int

    @property
    def shown_user(self) -> str:
        """For a terminal, which obeys what stands in a name that somebody chose."""
        if self.user is None:
            return OTHERS if self.where is None else DELETED
        return self.user if self.user.isprintable() else repr(self.user)

    @property
    def shown_where(self) -> str:
        return ELSEWHERE if self.where is None else self.where


class Pause:
    """Until when this process counts nothing, in seconds of `time.monotonic`."""

    until = 0.0


def log_refusal(request: HttpRequest) -> bool:
    """Log that a request is refused; False if the gate only reports."""
    enforced = gate_config().mode == "enforce"
    log_records.write("request_refused" if enforced else "request_reported", request)
    return enforced


def count(request: HttpRequest, user_id: str | None = None) -> None:
    """Count, once, a request that passes only because the gate reports.

    `user_id` is of whom an API knows by other means than the session.

    A site that tries the gate out must not fail or crawl for it: what Redis does not take is not
    counted but logged, and a Redis that hangs costs its bound once in PAUSE, not at each request.
    """
    known = is_counted(request)
    request.otp_gate_counted = True  # type: ignore[attr-defined]
    if known or time.monotonic() < Pause.until:
        return
    state: GateState = request.otp_gate  # type: ignore[attr-defined]
    try:
        field = f"{codes.user_digest(user_id or state.user_id or '')} {place(request)}"
        store.run(scripts.COUNT, [key()], [field, NO_ROOM, ROOM, LIFE * 1000, SINCE])
    except StoreUnavailable as error:
        Pause.until = time.monotonic() + PAUSE
        logger.error("Nothing is counted for %d seconds: %s", PAUSE, error)


acount = sync_to_async(count)


def is_counted(request: HttpRequest) -> bool:
    """True as soon as report mode has let the request through.

    Asked of the request: another decision at the view has a state of its own.
    """
    return getattr(request, "otp_gate_counted", False)


def place(request: HttpRequest) -> str:
    """Name what was asked for by its view or pattern: the path may hold names and secrets."""
    match = request.resolver_match or resolve_in(request)
    if match is None:
        return NOWHERE
    return match.view_name if match.url_name else f"/{match.route}"


def counted(*, forget: bool = False) -> tuple[datetime | None, list[Counter]]:
    """Return since when was counted (None if nothing was), and the counters, highest first.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    told = iter(store.run(scripts.COUNTED, [key()], [int(forget)]))
    numbers = {field: int(number) for field, number in zip(told, told, strict=True)}
    since = numbers.pop(SINCE, None)
    if since is None:
        return None, []
    names = names_of({field.partition(" ")[0] for field in numbers})
    found = []
    for field, times in numbers.items():
        digest, _, where = field.partition(" ")
        found.append(
            Counter(None, None, times)
            if field == NO_ROOM
            else Counter(names.get(digest), where, times)
        )
    found.sort(key=lambda it: (-it.times, it.shown_user, it.shown_where))
    return datetime.fromtimestamp(since, UTC), found


def names_of(digests: set[str]) -> dict[str, str]:
    """Return the names of the users with these digests, which cannot be turned back: ask all."""
    people = get_user_model()._base_manager.iterator()
    pairs = ((codes.user_digest(user_id_of(user)), user.get_username()) for user in people)
    return {digest: name for digest, name in pairs if digest in digests}


def as_table(since: datetime | None, found: list[Counter], by: str | None) -> Iterator[str]:
    """Give the lines of the report; `by` "user" or "place" sums up what they have in common."""
    if by is None:
        width = max((len(counter.shown_user) for counter in found), default=0)
        rows = [(f"{it.shown_user:<{width}}  {it.shown_where}", it.times) for it in found]
    else:
        sums = collections.Counter[str]()
        for counter in found:
            sums[counter.shown_user if by == "user" else counter.shown_where] += counter.times
        rows = sums.most_common()
    for label, times in rows:
        yield f"{times:>8}  {label}"
    total = sum(counter.times for counter in found)
    when = "so far" if since is None else f"since {since:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{total} request{'' if total == 1 else 's'} would have been stopped {when}."


def as_json(since: datetime | None, found: list[Counter]) -> str:
    """Return the report for a program; what has no name is null."""
    counters = [counter._asdict() for counter in found]
    report = {
        "since": since and since.isoformat(),
        "total": sum(counter.times for counter in found),
        "counters": counters,
    }
    return json.dumps(report, indent=2)


def key() -> str:
    return store.site_key("report")
