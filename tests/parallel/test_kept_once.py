"""A form that waited for its code goes on once, however many ask for it at one moment."""

from __future__ import annotations

import time

import pytest

from tests.helpers import VERIFY
from tests.parallel.conftest import Site
from tests.parallel.visitors import Visitor, at_once, codes_in, half_way

pytestmark = pytest.mark.once


def paid(site: Site, times: int) -> int:
    """Send a payment that wants a fresh code, type it, and follow at once so many times.

    Returns how often the view ran with what had been sent.
    """
    site.redis.flushall()
    visitor, code = half_way(site.port, site.box)
    visitor.send("POST", VERIFY, {"code": code})
    time.sleep(4.1)  # Now the view wants another one.
    assert visitor.send("POST", "/pay/", {"amount": "100"}).status == 302
    visitor.send("GET", VERIFY)
    way = visitor.send("POST", VERIFY, {"code": codes_in(site.box)[-1]}).location
    answers = at_once(site.port, [Visitor.request(visitor, "GET", way)] * times)
    assert {answer.status for answer in answers} <= {200, 302}
    return sum(answer.text == "POST 100" for answer in answers)


def test_a_kept_form_goes_on_once(site: Site) -> None:
    """One of forty requests, in several workers, is the payment."""
    assert paid(site, 40) == 1


def test_proof_is_not_blind_to_a_form_that_goes_on_twice(broken_site: Site) -> None:
    """With get-then-delete it goes red."""
    assert any(paid(broken_site, 40) > 1 for _ in range(5))
